import json
import os

from openai import OpenAI

TOOLS = [{"type": "function", "function": {
    "name": "add", "description": "Adds two numbers.",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}}}]

client = OpenAI()
messages = [{"role": "system", "content": "You add numbers, two at a time."}, {"role": "user", "content": os.environ["TASK"]}]
while True:
    message = client.chat.completions.create(model=os.environ["MODEL_NAME"], messages=messages, tools=TOOLS).choices[0].message
    messages.append(message.model_dump(exclude_none=True))
    if not message.tool_calls:
        break
    for call in message.tool_calls:
        given = json.loads(call.function.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": str(given["a"] + given["b"])})
print(message.content)
