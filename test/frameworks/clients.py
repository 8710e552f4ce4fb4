"""Python's client libraries against the simulator whose address is in SIMULATOR. Started by wire.py."""
import json
import os
import traceback

import anthropic
import openai

URL = os.environ["SIMULATOR"]
PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
SUMS = [{"a": 17, "b": 25}, {"a": 1, "b": 2}]
openai_client = openai.OpenAI(base_url=URL + "/v1", api_key="none", max_retries=0)
anthropic_client = anthropic.Anthropic(base_url=URL, api_key="none", max_retries=0)


def equal(found, wanted):
    assert found == wanted, f"{found!r} instead of {wanted!r}"


def raises(kind, function):
    try:
        function()
    except kind as error:
        return error
    raise AssertionError(f"no {kind}")


# --- OpenAI chat completions ---

def complete(messages, stream, **more):
    if not stream:
        return openai_client.chat.completions.create(model="m", messages=messages, **more)
    with openai_client.chat.completions.stream(model="m", messages=messages, stream_options={"include_usage": True}, **more) as events:
        return events.get_final_completion()


def chat(stream):
    tools = [{"type": "function", "function": {"name": "add", "strict": True, "parameters": {**PARAMETERS, "additionalProperties": False}}}]
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "add 17 and 25"}]
    first = complete(messages, stream, tools=tools)
    said = first.choices[0].message
    equal(said.content, "I add them.")
    equal(first.choices[0].finish_reason, "tool_calls")
    equal((first.usage.prompt_tokens, first.usage.completion_tokens), (30, 12))
    equal([json.loads(call.function.arguments) for call in said.tool_calls], SUMS)
    equal(len({call.id for call in said.tool_calls}), 2)
    messages.append({"role": "assistant", "content": said.content, "tool_calls": [
        {"id": call.id, "type": "function", "function": {"name": "add", "arguments": call.function.arguments}} for call in said.tool_calls]})
    messages += [{"role": "tool", "tool_call_id": call.id, "content": str(sum(sums.values()))} for call, sums in zip(said.tool_calls, SUMS)]
    second = complete(messages, stream, tools=tools)
    equal(second.choices[0].message.content, "It is 42, and 3.")
    equal(second.choices[0].finish_reason, "stop")


def chat_refusals():
    ask = lambda: complete([{"role": "user", "content": "refuse chat"}], False)
    limited = raises(openai.RateLimitError, ask)
    equal(limited.response.headers["retry-after"], "7")
    equal(limited.body["message"], "slow down")
    raises(openai.BadRequestError, ask)


def chat_complains():
    complained = raises(openai.APIError, lambda: complete([{"role": "user", "content": "complain in chat"}], True))
    equal(complained.message, "no room left")


def chat_breaks_off():
    ask = lambda: complete([{"role": "user", "content": "break off chat"}], True)
    raises(Exception, ask)  # each library has its own
    assert ask().choices[0].message.content.endswith("in its middle")


# --- OpenAI responses ---

def respond(items, stream, **more):
    if not stream:
        return openai_client.responses.create(model="m", input=items, **more)
    with openai_client.responses.stream(model="m", input=items, **more) as events:
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events.get_final_response()
    equal(text, final.output_text)
    return final


def responses(stream):
    tools = [{"type": "function", "name": "add", "strict": True, "parameters": {**PARAMETERS, "additionalProperties": False}}]
    equal(respond("say it plainly", stream).output_text, "Plainly ☃ said.")
    items = [{"role": "user", "content": "add 17 and 25"}]
    first = respond(items, stream, tools=tools)
    equal(first.status, "completed")
    equal(first.output_text, "I add them.")
    equal((first.usage.input_tokens, first.usage.output_tokens), (30, 12))
    calls = [item for item in first.output if item.type == "function_call"]
    equal([json.loads(call.arguments) for call in calls], SUMS)
    items += [item.to_dict() for item in first.output]
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": str(sum(sums.values()))} for call, sums in zip(calls, SUMS)]
    equal(respond(items, stream, tools=tools).output_text, "It is 42, and 3.")


def responses_refusals():
    ask = lambda: respond("refuse responses", False)
    raises(openai.RateLimitError, ask)
    raises(openai.BadRequestError, ask)
    raises(openai.BadRequestError, lambda: openai_client.responses.create(model="m", input="say it plainly", previous_response_id="resp_1"))


def responses_complain():
    with openai_client.responses.create(model="m", input="complain in responses", stream=True) as events:
        last = list(events)[-1]
    equal((last.type, last.message), ("error", "no room left"))


def responses_break_off():
    raises(Exception, lambda: respond("break off responses", True))
    assert respond("break off responses", True).output_text.endswith("in its middle")


# --- OpenAI embeddings, models ---

def embeddings():
    ask = lambda texts, **more: openai_client.embeddings.create(model="m", input=texts, **more)
    one, two = ask(["a b", "c"], encoding_format="float").data
    encoded = ask("a b", encoding_format="base64").data[0].embedding
    assert isinstance(encoded, str)
    by_default = ask("a b").data[0].embedding  # base64 on the wire
    equal(len(by_default), 64)
    assert all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, by_default)), "float and base64 differ"
    assert one.embedding != two.embedding
    equal(len(ask("a b", dimensions=8).data[0].embedding), 8)
    equal(ask(["a b", "c"]).usage.prompt_tokens, 3)


def models():
    equal([model.id for model in openai_client.models.list()], ["model-sim"])


# --- Anthropic messages ---

def say(messages, stream, **more):
    if not stream:
        return anthropic_client.messages.create(model="m", max_tokens=100, messages=messages, **more)
    with anthropic_client.messages.stream(model="m", max_tokens=100, messages=messages, **more) as events:
        text = "".join(events.text_stream)
        final = events.get_final_message()
    equal(text, "".join(block.text for block in final.content if block.type == "text"))
    return final


def anthropic_messages(stream):
    tools = [{"name": "add", "description": "adds", "input_schema": PARAMETERS}]
    messages = [{"role": "user", "content": "add 17 and 25"}]
    first = say(messages, stream, tools=tools, system="s")
    equal(first.stop_reason, "tool_use")
    equal(first.content[0].text, "I add them.")
    equal((first.usage.input_tokens, first.usage.output_tokens), (30, 12))
    calls = [block for block in first.content if block.type == "tool_use"]
    equal([call.input for call in calls], SUMS)
    messages.append({"role": "assistant", "content": first.content})
    messages.append({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": call.id, "content": str(sum(sums.values()))} for call, sums in zip(calls, SUMS)]})
    second = say(messages, stream, tools=tools)
    equal((second.content[0].text, second.stop_reason), ("It is 42, and 3.", "end_turn"))


def anthropic_refusals():
    ask = lambda: say([{"role": "user", "content": "refuse messages"}], False)
    limited = raises(anthropic.RateLimitError, ask)
    equal(limited.body["error"]["type"], "rate_limit_error")
    raises(anthropic.BadRequestError, ask)


def anthropic_complains():
    complained = raises(anthropic.APIStatusError, lambda: say([{"role": "user", "content": "complain in messages"}], True))
    equal(complained.body["error"], {"type": "overloaded_error", "message": "no room left"})


def anthropic_breaks_off():
    ask = lambda: say([{"role": "user", "content": "break off messages"}], True)
    raises(Exception, ask)
    assert ask().content[0].text.endswith("in its middle")


CASES = {
    "chat whole": lambda: chat(False), "chat streamed": lambda: chat(True),
    "chat refusals": chat_refusals, "chat complains": chat_complains, "chat breaks off": chat_breaks_off,
    "responses whole": lambda: responses(False), "responses streamed": lambda: responses(True),
    "responses refusals": responses_refusals, "responses complain": responses_complain, "responses break off": responses_break_off,
    "embeddings": embeddings, "models": models,
    "messages whole": lambda: anthropic_messages(False), "messages streamed": lambda: anthropic_messages(True),
    "messages refusals": anthropic_refusals, "messages complain": anthropic_complains, "messages break off": anthropic_breaks_off,
}

failed = 0
for name, case in CASES.items():
    try:
        case()
    except Exception:
        failed += 1
        print(f"{name}: failed")
        traceback.print_exc()
print(f"openai {openai.__version__}, anthropic {anthropic.__version__}: {len(CASES) - failed} passed, {failed} failed")
raise SystemExit(failed != 0)
