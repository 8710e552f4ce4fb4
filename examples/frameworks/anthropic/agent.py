import os

from anthropic import Anthropic

TOOLS = [{"name": "add", "description": "Adds two numbers.",
          "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}}]

client = Anthropic()
messages = [{"role": "user", "content": os.environ["TASK"]}]
while True:
    with client.messages.stream(model=os.environ["MODEL_NAME"], max_tokens=1000, system="You add numbers, two at a time.",
                                messages=messages, tools=TOOLS) as stream:
        answer = stream.get_final_message()
    messages.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]})
    if answer.stop_reason != "tool_use":
        break
    messages.append({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": block.id, "content": str(block.input["a"] + block.input["b"])}
        for block in answer.content if block.type == "tool_use"]})
print("".join(block.text for block in answer.content if block.type == "text"))
