-- A database of schema version 3, as pg_dump --inserts gave it.
SET check_function_bodies = false;

CREATE FUNCTION public.append_events(new_run text, run_json text, new_ns text, new_name text, new_attempt bigint, new_execution bigint, now_ms bigint, new_batch bytea, kinds text[], versions bigint[], subjects text[], bodies text[], hashes bytea[], allows boolean[], more_input bigint, more_output bigint, more_model_calls bigint, more_tool_calls bigint, calls text[], again boolean) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
  run runs%ROWTYPE;
  begins CONSTANT BOOLEAN := kinds[1] = 'run.begun';
  begun BOOLEAN := false;
  first BIGINT;
  fresh_calls BIGINT;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(1400466762, 1);
  IF begins THEN
    INSERT INTO runs(run_uid, ns, name, attempt, execution, seq, link)
      VALUES (new_run, new_ns, new_name, new_attempt, new_execution, -1, decode(repeat('00', 32), 'hex'))
      ON CONFLICT DO NOTHING;
    begun := FOUND;
  END IF;
  -- The fence: from here to the commit nobody else appends to this run.
  SELECT * INTO run FROM runs WHERE run_uid = new_run FOR UPDATE;
  IF NOT FOUND THEN
    RAISE 'run % has not begun in this journal', new_run USING ERRCODE = 'no_data_found';
  END IF;
  IF again THEN
    SELECT seq INTO first FROM events WHERE run_uid = new_run AND batch = new_batch;
    IF FOUND THEN RETURN first + cardinality(kinds) - 1; END IF;
  END IF;
  IF begins <> begun OR 'run.begun' = ANY (kinds[2:]) THEN
    RAISE 'run % has begun already', new_run USING ERRCODE = 'unique_violation';
  END IF;
  IF run.imported THEN
    RAISE 'run % was imported and is read-only', new_run USING ERRCODE = 'serialization_failure';
  END IF;
  IF (new_attempt, new_execution) < (run.attempt, run.execution) THEN
    RAISE 'execution %.% of run % was overtaken by %.%', new_attempt, new_execution, new_run,
      run.attempt, run.execution USING ERRCODE = 'serialization_failure';
  END IF;
  IF cardinality(array_positions(kinds, 'run.outcome')) + run.ended::int > 1 THEN
    RAISE 'run % has its outcome already', new_run USING ERRCODE = 'unique_violation';
  END IF;

  -- A call that was allowed the last time, too, is counted already.
  SELECT count(*) INTO fresh_calls FROM unnest(calls) AS call(subject)
    WHERE (SELECT e.allowed FROM events e WHERE e.run_uid = new_run AND e.kind = 'tool.intent'
             AND e.subject = call.subject ORDER BY e.seq DESC LIMIT 1) IS NOT TRUE;
  FOR i IN 1 .. cardinality(kinds) LOOP
    INSERT INTO events(run_uid, seq, attempt, execution, kind, version, subject, at_ms, prev, body_hash,
                       body, batch, allowed)
      VALUES (new_run, run.seq + i, new_attempt, new_execution, kinds[i], versions[i], subjects[i], now_ms,
              run.link, hashes[i], bodies[i], CASE WHEN i = 1 THEN new_batch END,
              CASE WHEN kinds[i] = 'tool.intent' THEN allows[i] END);
    run.link := sha256(convert_to(  -- as chain.h says
      '["' || encode(run.link, 'hex') || '",' || run_json || ',' || (run.seq + i) || ',' || new_attempt
      || ',' || new_execution || ',"' || kinds[i] || '",' || versions[i] || ',' || now_ms || ',"'
      || encode(hashes[i], 'hex') || '"]', 'UTF8'));
  END LOOP;
  INSERT INTO arrivals(ns, run_uid, seq, at_ms)
    SELECT run.ns, new_run, run.seq + i, now_ms FROM generate_series(1, cardinality(kinds)) AS i;
  UPDATE runs SET
      attempt = new_attempt, execution = new_execution, seq = run.seq + cardinality(kinds),
      link = run.link, ended = run.ended OR 'run.outcome' = ANY (kinds),
      input_tokens = input_tokens + more_input, output_tokens = output_tokens + more_output,
      model_calls = model_calls + more_model_calls,
      tool_calls = tool_calls + more_tool_calls + fresh_calls
    WHERE run_uid = new_run;
  RETURN run.seq + cardinality(kinds);
END $$;

CREATE FUNCTION public.erase_run(old_run text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1400466762, 1);
  PERFORM FROM runs WHERE run_uid = old_run FOR UPDATE;
  IF NOT FOUND THEN
    RAISE 'run % is not in this journal', old_run USING ERRCODE = 'no_data_found';
  END IF;
  DELETE FROM blobs USING blob_uses u
    WHERE u.run_uid = old_run AND blobs.sha256 = u.sha256 AND NOT EXISTS
      (SELECT FROM blob_uses other WHERE other.sha256 = u.sha256 AND other.run_uid <> old_run);
  DELETE FROM blob_uses WHERE run_uid = old_run;
END $$;

CREATE FUNCTION public.forget_run(old_run text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
  run runs%ROWTYPE;
BEGIN
  PERFORM pg_advisory_xact_lock(1400466762, 1);
  SELECT * INTO run FROM runs WHERE run_uid = old_run FOR UPDATE;
  IF FOUND AND NOT run.ended AND NOT run.imported THEN
    RAISE 'run % has not ended', old_run USING ERRCODE = 'serialization_failure';
  END IF;
  PERFORM erase_run(old_run);
  PERFORM give_positions();
  IF EXISTS (SELECT FROM history JOIN consumers ON consumers.position < history.position
               WHERE history.run_uid = old_run) THEN
    RAISE 'a consumer has not acknowledged all events of run % yet', old_run
      USING ERRCODE = 'serialization_failure';
  END IF;
  DELETE FROM history WHERE run_uid = old_run;
  DELETE FROM events WHERE run_uid = old_run;
  DELETE FROM runs WHERE run_uid = old_run;
END $$;

CREATE FUNCTION public.give_positions() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM arrivals) THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(1400466762, 2);
  WITH arrived AS (DELETE FROM arrivals RETURNING id, ns, run_uid, seq, at_ms)
    INSERT INTO history(ns, run_uid, seq, at_ms)
    SELECT ns, run_uid, seq, at_ms FROM arrived ORDER BY id;
END $$;

CREATE FUNCTION public.remember_head() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
  run runs%ROWTYPE := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF run.seq < 0 THEN RETURN NULL; END IF;
  INSERT INTO unsigned_heads VALUES (run.run_uid, run.ns, run.seq, run.link, TG_OP = 'DELETE')
    ON CONFLICT (run_uid) DO UPDATE SET
      ns = excluded.ns, seq = excluded.seq, link = excluded.link, forgotten = excluded.forgotten;
  RETURN NULL;
END $$;

CREATE FUNCTION public.set_consumers(names text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  PERFORM give_positions();
  INSERT INTO consumers(name, position)
    SELECT name, coalesce((SELECT min(position) FROM consumers), (SELECT max(position) FROM history), 0)
    FROM unnest(names) AS name
    ON CONFLICT DO NOTHING;
  DELETE FROM consumers WHERE name <> ALL (names);
END $$;

CREATE TABLE public.arrivals (
    id bigint NOT NULL,
    ns text NOT NULL COLLATE pg_catalog."C",
    run_uid text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    at_ms bigint NOT NULL
);

ALTER TABLE public.arrivals ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.arrivals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_keys (
    id bytea NOT NULL,
    pem text NOT NULL
);

CREATE TABLE public.blob_uses (
    run_uid text NOT NULL COLLATE pg_catalog."C",
    sha256 bytea NOT NULL
);

CREATE TABLE public.blobs (
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    zstd boolean NOT NULL,
    bytes bytea NOT NULL
);
ALTER TABLE ONLY public.blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE public.checkpoint_heads (
    ns text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    run_uid text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    link bytea NOT NULL,
    forgotten boolean NOT NULL
);

CREATE TABLE public.checkpoints (
    ns text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    at_ms bigint NOT NULL,
    previous bytea NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    key_id bytea NOT NULL,
    signature bytea NOT NULL
);

CREATE TABLE public.consumers (
    name text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL
);

CREATE TABLE public.events (
    run_uid text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    attempt bigint NOT NULL,
    execution bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    subject text NOT NULL COLLATE pg_catalog."C",
    at_ms bigint NOT NULL,
    prev bytea NOT NULL,
    body_hash bytea NOT NULL,
    body text NOT NULL,
    batch bytea,
    allowed boolean
);

CREATE TABLE public.history (
    "position" bigint NOT NULL,
    ns text NOT NULL COLLATE pg_catalog."C",
    run_uid text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    at_ms bigint NOT NULL
);

ALTER TABLE public.history ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.history_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.runs (
    run_uid text NOT NULL COLLATE pg_catalog."C",
    ns text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    attempt bigint NOT NULL,
    execution bigint NOT NULL,
    seq bigint NOT NULL,
    link bytea NOT NULL,
    ended boolean DEFAULT false NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    model_calls bigint DEFAULT 0 NOT NULL,
    tool_calls bigint DEFAULT 0 NOT NULL,
    imported boolean DEFAULT false NOT NULL,
    number bigint NOT NULL
)
WITH (fillfactor='70');

ALTER TABLE public.runs ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.runs_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_versions (
    name text NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE public.unsigned_heads (
    run_uid text NOT NULL COLLATE pg_catalog."C",
    ns text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    link bytea NOT NULL,
    forgotten boolean NOT NULL
)
WITH (fillfactor='70');

INSERT INTO public.blob_uses VALUES ('a', '\x1c458a72caf682c4c3612ed9aece058d8acca49a7fdbaee3272806b8c2293893');
INSERT INTO public.blob_uses VALUES ('a', '\x4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945');
INSERT INTO public.blob_uses VALUES ('a', '\x74d97fa35361ed80f775067fe35c7beda4faf9e6a0a2eee706eae8cb6d53db50');
INSERT INTO public.blob_uses VALUES ('a', '\xaedc3f80989a6546962705852b2f4a481dbd1e490760693525c3724bacab3f50');
INSERT INTO public.blob_uses VALUES ('b', '\x74d97fa35361ed80f775067fe35c7beda4faf9e6a0a2eee706eae8cb6d53db50');
INSERT INTO public.blob_uses VALUES ('a', '\x0db52f4076c082518412afd3dd3576e2cb0c63703fd7fed5e23ade60efef31d9');
INSERT INTO public.blob_uses VALUES ('a', '\xf6a214f7a5fcda0c2cee9660b7fc29f5649e3c68aad48e20e950137c98913a68');

INSERT INTO public.blobs VALUES ('\x1c458a72caf682c4c3612ed9aece058d8acca49a7fdbaee3272806b8c2293893', 2000, true, '\x28b52ffd60d0064d00001071710100cbff000b');
INSERT INTO public.blobs VALUES ('\x4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945', 2, false, '\x5b5d');
INSERT INTO public.blobs VALUES ('\x74d97fa35361ed80f775067fe35c7beda4faf9e6a0a2eee706eae8cb6d53db50', 17, false, '\x596f752061726520616e206167656e742e');
INSERT INTO public.blobs VALUES ('\xaedc3f80989a6546962705852b2f4a481dbd1e490760693525c3724bacab3f50', 7, false, '\x4772c3b6c39f65');
INSERT INTO public.blobs VALUES ('\x0db52f4076c082518412afd3dd3576e2cb0c63703fd7fed5e23ade60efef31d9', 6, false, '\x616e73776572');
INSERT INTO public.blobs VALUES ('\xf6a214f7a5fcda0c2cee9660b7fc29f5649e3c68aad48e20e950137c98913a68', 6, false, '\x726573756c74');

INSERT INTO public.consumers VALUES ('two', 0);
INSERT INTO public.consumers VALUES ('one', 3);

INSERT INTO public.events VALUES ('a', 0, 1, 0, 'run.begun', 1, '', 1767323045000, '\x0000000000000000000000000000000000000000000000000000000000000000', '\x7542f8e66aa910ef820f92f05849d7ae9381bc4aca72ae1211c7e8dfd78fe040', '{"ns":"x","name":"one","policyHash":"p","attempt":1}', '\xc1bae3e8cf67445b631a4b3118caa7b5', NULL);
INSERT INTO public.events VALUES ('b', 0, 1, 0, 'run.begun', 1, '', 1767323045007, '\x0000000000000000000000000000000000000000000000000000000000000000', '\xaff56350b0a2f6b678f781e300cee6b07b815c3eafcd26b48a93036c907b97d6', '{"ns":"y","name":"two","policyHash":"p","attempt":1}', '\x8114eebc121385fc9030707dfbea6f6f', NULL);
INSERT INTO public.events VALUES ('a', 1, 1, 1, 'execution.begun', 1, '', 1767323045014, '\xb38b81680f5c8a30c3c44986f271408678b33f02dd39cbec2a97022cec6d548f', '\x9ff5119e02efa6b3ab8c6e5d32b3cc485f665fa40157b29f0c9ce9a643df5250', '{"agent":"runner/1","podUid":"pod"}', '\x7e52fb646461c6472b17d6695b9f5c40', NULL);
INSERT INTO public.events VALUES ('a', 2, 1, 1, 'model.intent', 1, '1', 1767323045014, '\xaa584e8e52df1f0332f332b84a4432a09e88831da4c2b0e4d5e5d606279528a9', '\xe282cb611ca766fbde5bce7dd5361eb330a6a5cde9b0f5dc20b383b0cb90fe25', '{"turn":1,"parent":0,"appended":["74d97fa35361ed80f775067fe35c7beda4faf9e6a0a2eee706eae8cb6d53db50","1c458a72caf682c4c3612ed9aece058d8acca49a7fdbaee3272806b8c2293893"],"tools":"4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945","parameters":{"model":"m"},"requestHash":"h"}', NULL, NULL);
INSERT INTO public.events VALUES ('a', 3, 1, 1, 'model.outcome', 1, '1', 1767323045021, '\xb0d526c9115dee0223dcd3b91612740e176dad5516cafb89f785cc247423d54b', '\x237f04a394f59ed6f9e7231f708393a3e636d398fd62862ef97df34cb2623feb', '{"turn":1,"message":"aedc3f80989a6546962705852b2f4a481dbd1e490760693525c3724bacab3f50","usage":{"inputTokens":10,"outputTokens":20},"finish":"tool_calls"}', '\xcff5ed4fe20a48bc7e5337cf59c55371', NULL);
INSERT INTO public.events VALUES ('a', 4, 1, 1, 'tool.intent', 1, '1.0', 1767323045021, '\xcb57fea705ce208b8fffc2cab79bcc94da10e4d7e5a1fdb97af4f323c09e5c39', '\xe4e059d332fcf05f39d0f1c94ee4f930f0da1e48086910be9b3400e1b42e93e3', '{"call":"1.0","tool":"read_file","argumentsSha256":"abc","decision":"allow"}', NULL, true);
INSERT INTO public.events VALUES ('b', 1, 1, 1, 'model.intent', 1, '1', 1767323045028, '\xe280ffd9d0a5de690bb199530dea4e62f4f7d3492483401041f9a70ac7e9f978', '\x5d67387295eca9c9538941d5b9aa66cad9affa83dbb4a92c225859019cd4333c', '{"turn":1,"parent":0,"appended":["74d97fa35361ed80f775067fe35c7beda4faf9e6a0a2eee706eae8cb6d53db50"]}', '\x5aa96da1becc4cea638cc3d3ba369f70', NULL);
INSERT INTO public.events VALUES ('a', 5, 1, 1, 'tool.outcome', 1, '1.0', 1767323045035, '\xe07618e9c4ed211105feb8ddb84a034eb3112f80532bddfe67450b25f82e4bc8', '\xb2d23d154b5be829b8140c36719407e5a26304efc596136cfadd6e88b6539540', '{"call":"1.0","result":"f6a214f7a5fcda0c2cee9660b7fc29f5649e3c68aad48e20e950137c98913a68"}', '\x7432e81fa095624cc75eeaee798c5d13', NULL);
INSERT INTO public.events VALUES ('a', 6, 1, 1, 'run.outcome', 1, '', 1767323045035, '\xadeffcf1d7cf107d41ca99102127e488637c4004c8871922984912341f096fcb', '\xd3d94019a17b127551fbc7049c2bf54697cb9e495491500336f37e86e90f9bb4', '{"status":"success","text":"0db52f4076c082518412afd3dd3576e2cb0c63703fd7fed5e23ade60efef31d9"}', NULL, NULL);

INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (1, 'x', 'a', 0, 1767323045000);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (2, 'y', 'b', 0, 1767323045007);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (3, 'x', 'a', 1, 1767323045014);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (4, 'x', 'a', 2, 1767323045014);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (5, 'x', 'a', 3, 1767323045021);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (6, 'x', 'a', 4, 1767323045021);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (7, 'y', 'b', 1, 1767323045028);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (8, 'x', 'a', 5, 1767323045035);
INSERT INTO public.history OVERRIDING SYSTEM VALUE VALUES (9, 'x', 'a', 6, 1767323045035);

INSERT INTO public.runs OVERRIDING SYSTEM VALUE VALUES ('b', 'y', 'two', 1, 1, 1, '\xc40bdf54e22e71cfd8bb38ad40a627b8a701844127e96fa9a644c623293ea819', false, 0, 0, 1, 0, false, 2);
INSERT INTO public.runs OVERRIDING SYSTEM VALUE VALUES ('a', 'x', 'one', 1, 1, 6, '\x805cd451ddbf39a4edfa62a343d1c18c51c88b5ddb76edbd6b02cd04df187979', true, 10, 20, 1, 1, false, 1);

INSERT INTO public.schema_versions VALUES ('journal', 3);

INSERT INTO public.unsigned_heads VALUES ('b', 'y', 1, '\xc40bdf54e22e71cfd8bb38ad40a627b8a701844127e96fa9a644c623293ea819', false);
INSERT INTO public.unsigned_heads VALUES ('a', 'x', 6, '\x805cd451ddbf39a4edfa62a343d1c18c51c88b5ddb76edbd6b02cd04df187979', false);

SELECT pg_catalog.setval('public.arrivals_id_seq', 9, true);

SELECT pg_catalog.setval('public.history_position_seq', 9, true);

SELECT pg_catalog.setval('public.runs_number_seq', 2, true);

ALTER TABLE ONLY public.audit_keys
    ADD CONSTRAINT audit_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.blob_uses
    ADD CONSTRAINT blob_uses_pkey PRIMARY KEY (run_uid, sha256);

ALTER TABLE ONLY public.blobs
    ADD CONSTRAINT blobs_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.checkpoint_heads
    ADD CONSTRAINT checkpoint_heads_pkey PRIMARY KEY (ns, number, run_uid);

ALTER TABLE ONLY public.checkpoints
    ADD CONSTRAINT checkpoints_pkey PRIMARY KEY (ns, number);

ALTER TABLE ONLY public.consumers
    ADD CONSTRAINT consumers_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (run_uid, seq);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY public.runs
    ADD CONSTRAINT runs_pkey PRIMARY KEY (run_uid);

ALTER TABLE ONLY public.schema_versions
    ADD CONSTRAINT schema_versions_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.unsigned_heads
    ADD CONSTRAINT unsigned_heads_pkey PRIMARY KEY (run_uid);

CREATE INDEX blob_uses_by_blob ON public.blob_uses USING btree (sha256);

CREATE INDEX checkpoint_heads_by_run ON public.checkpoint_heads USING btree (ns, run_uid, number);

CREATE INDEX events_by_subject ON public.events USING btree (run_uid, kind, subject, seq);

CREATE INDEX history_by_ns ON public.history USING btree (ns, "position");

CREATE INDEX history_by_run ON public.history USING btree (run_uid);

CREATE INDEX runs_by_name ON public.runs USING btree (ns, name, number);

CREATE INDEX runs_by_ns ON public.runs USING btree (ns, number);

CREATE INDEX unsigned_heads_by_ns ON public.unsigned_heads USING btree (ns, run_uid);

CREATE TRIGGER remember_head AFTER INSERT OR DELETE OR UPDATE OF seq, link ON public.runs FOR EACH ROW EXECUTE FUNCTION public.remember_head();
