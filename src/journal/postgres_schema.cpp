// The tables and functions of each schema version. Never edited, only added to.
#include "journal/postgres_tables.h"

namespace journal {

namespace {

// `runs` holds what follows from the events and is asked for often. Hashes are 32 raw bytes.
//
// Locks, always in this order: the journal's (1: shared by who adds contents, alone by who takes
// away), one run's row, contents by their hashes, the journal's (2: one at a time gives positions).
constexpr auto schema_1 = R"sql(
CREATE TABLE runs(
  run_uid TEXT COLLATE "C" PRIMARY KEY, ns TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL,
  attempt BIGINT NOT NULL, execution BIGINT NOT NULL,
  seq BIGINT NOT NULL, link BYTEA NOT NULL, ended BOOLEAN NOT NULL DEFAULT false,
  input_tokens BIGINT NOT NULL DEFAULT 0, output_tokens BIGINT NOT NULL DEFAULT 0,
  model_calls BIGINT NOT NULL DEFAULT 0, tool_calls BIGINT NOT NULL DEFAULT 0,
  imported BOOLEAN NOT NULL DEFAULT false,
  number BIGINT GENERATED ALWAYS AS IDENTITY
) WITH (fillfactor = 70);
CREATE INDEX runs_by_name ON runs(ns, name, number);
CREATE INDEX runs_by_ns ON runs(ns, number);

-- batch: whose append it was, on its first event. allowed: of a tool.intent, as its body says.
CREATE TABLE events(
  run_uid TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL,
  attempt BIGINT NOT NULL, execution BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL, subject TEXT COLLATE "C" NOT NULL,
  at_ms BIGINT NOT NULL, prev BYTEA NOT NULL, body_hash BYTEA NOT NULL, body TEXT NOT NULL,
  batch BYTEA, allowed BOOLEAN,
  PRIMARY KEY (run_uid, seq)
);
CREATE INDEX events_by_subject ON events(run_uid, kind, subject, seq);

CREATE TABLE blobs(
  sha256 BYTEA PRIMARY KEY, size BIGINT NOT NULL, zstd BOOLEAN NOT NULL, bytes BYTEA NOT NULL
);
ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;  -- compressed already
CREATE TABLE blob_uses(
  run_uid TEXT COLLATE "C" NOT NULL, sha256 BYTEA NOT NULL, PRIMARY KEY (run_uid, sha256)
);
CREATE INDEX blob_uses_by_blob ON blob_uses(sha256);

-- Events that were committed and have no position yet, and those that have one: history is the
-- outbox as well.
CREATE TABLE arrivals(
  id BIGINT GENERATED ALWAYS AS IDENTITY, ns TEXT COLLATE "C" NOT NULL,
  run_uid TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, at_ms BIGINT NOT NULL
);
CREATE TABLE history(
  position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ns TEXT COLLATE "C" NOT NULL,
  run_uid TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, at_ms BIGINT NOT NULL
);
CREATE INDEX history_by_ns ON history(ns, position);
CREATE INDEX history_by_run ON history(run_uid);
CREATE TABLE consumers(name TEXT COLLATE "C" PRIMARY KEY, position BIGINT NOT NULL);

CREATE FUNCTION append_events(
  new_run TEXT, run_json TEXT, new_ns TEXT, new_name TEXT, new_attempt BIGINT, new_execution BIGINT,
  now_ms BIGINT, new_batch BYTEA, kinds TEXT[], versions BIGINT[], subjects TEXT[], bodies TEXT[],
  hashes BYTEA[], allows BOOLEAN[], more_input BIGINT, more_output BIGINT, more_model_calls BIGINT,
  more_tool_calls BIGINT, calls TEXT[], again BOOLEAN
) RETURNS BIGINT LANGUAGE plpgsql AS $body$
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
END $body$;

-- Gives committed events their positions. One at a time, and the next one only after the commit of
-- the one before: whoever sees a position sees all lower ones that there will ever be.
CREATE FUNCTION give_positions() RETURNS VOID LANGUAGE plpgsql AS $body$
BEGIN
  IF NOT EXISTS (SELECT FROM arrivals) THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(1400466762, 2);
  WITH arrived AS (DELETE FROM arrivals RETURNING id, ns, run_uid, seq, at_ms)
    INSERT INTO history(ns, run_uid, seq, at_ms)
    SELECT ns, run_uid, seq, at_ms FROM arrived ORDER BY id;
END $body$;

CREATE FUNCTION set_consumers(names TEXT[]) RETURNS VOID LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM give_positions();
  INSERT INTO consumers(name, position)
    SELECT name, coalesce((SELECT min(position) FROM consumers), (SELECT max(position) FROM history), 0)
    FROM unnest(names) AS name
    ON CONFLICT DO NOTHING;
  DELETE FROM consumers WHERE name <> ALL (names);
END $body$;
)sql";

// Retention. Alone in the journal: nobody adds a content that is about to go.
constexpr auto schema_2 = R"sql(
CREATE FUNCTION erase_run(old_run TEXT) RETURNS VOID LANGUAGE plpgsql AS $body$
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
END $body$;

CREATE FUNCTION forget_run(old_run TEXT) RETURNS VOID LANGUAGE plpgsql AS $body$
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
END $body$;
)sql";

// Checkpoints. A trigger remembers each head until a checkpoint holds it, and that a run was
// removed. Whoever moves a head while it is signed waits for the row or finds it gone; no move is
// lost.
constexpr auto schema_3 = R"sql(
CREATE TABLE unsigned_heads(
  run_uid TEXT COLLATE "C" PRIMARY KEY, ns TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL,
  link BYTEA NOT NULL, forgotten BOOLEAN NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX unsigned_heads_by_ns ON unsigned_heads(ns, run_uid);
INSERT INTO unsigned_heads SELECT run_uid, ns, seq, link, false FROM runs;

CREATE FUNCTION remember_head() RETURNS TRIGGER LANGUAGE plpgsql AS $body$
DECLARE
  run runs%ROWTYPE := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF run.seq < 0 THEN RETURN NULL; END IF;
  INSERT INTO unsigned_heads VALUES (run.run_uid, run.ns, run.seq, run.link, TG_OP = 'DELETE')
    ON CONFLICT (run_uid) DO UPDATE SET
      ns = excluded.ns, seq = excluded.seq, link = excluded.link, forgotten = excluded.forgotten;
  RETURN NULL;
END $body$;
CREATE TRIGGER remember_head AFTER INSERT OR UPDATE OF seq, link OR DELETE ON runs
  FOR EACH ROW EXECUTE FUNCTION remember_head();

CREATE TABLE audit_keys(id BYTEA PRIMARY KEY, pem TEXT NOT NULL);
CREATE TABLE checkpoints(
  ns TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, at_ms BIGINT NOT NULL,
  previous BYTEA NOT NULL, size BIGINT NOT NULL, root BYTEA NOT NULL, key_id BYTEA NOT NULL,
  signature BYTEA NOT NULL, PRIMARY KEY (ns, number)
);
CREATE TABLE checkpoint_heads(
  ns TEXT COLLATE "C" NOT NULL, number BIGINT NOT NULL, run_uid TEXT COLLATE "C" NOT NULL,
  seq BIGINT NOT NULL, link BYTEA NOT NULL, forgotten BOOLEAN NOT NULL,
  PRIMARY KEY (ns, number, run_uid)
);
CREATE INDEX checkpoint_heads_by_run ON checkpoint_heads(ns, run_uid, number);
)sql";

// The ends of runs by their times, for retention.
constexpr auto schema_4 = R"sql(
CREATE INDEX events_of_ends ON events(at_ms, run_uid) WHERE kind = 'run.outcome';
)sql";

}  // namespace

const postgres::Schema& postgres_schema() {
  static const postgres::Schema schema{"journal", {schema_1, schema_2, schema_3, schema_4}};
  return schema;
}

}  // namespace journal
