"""The agent loop once more, as small as Python can have it: what the runner is measured against. Standard library only."""
import http.client
import json
import os

host = os.environ["SYMPOZIUM_BRIDGE"].split("://")[1]
bridge = http.client.HTTPConnection(host)
execution = {}


def post(path, body):
    bridge.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **execution})
    return bridge.getresponse().read()


welcome = json.loads(post("/v1/hello", {"agent": "python"}))
execution["Sympozium-Execution"] = f"{welcome.get('attempt', 1)}.{welcome.get('execution', 1)}"
conversation = []  # a runner keeps it: it compacts
new = [{"role": "user", "content": welcome["task"]}]
tools = [{"name": "read_file", "description": "Reads a file.", "parameters": {"type": "object"}}]
for number in range(1, 1000):
    conversation += new
    turn = {"turn": number, "parent": number - 1, "append": new}
    if number == 1:
        turn["tools"] = tools
    event = json.loads(post("/v1/turn", turn).splitlines()[-1])
    answer = event["result"]["message"]
    conversation.append(answer)
    new = []
    for index, call in enumerate(answer.get("toolCalls", [])):
        asked = {"call": f"{number}.{index}", "tool": call["name"], "arguments": call["arguments"]}
        if json.loads(post("/v1/tools/decide", asked))["verdict"] != "allow":
            raise SystemExit(1)
        with open(json.loads(call["arguments"])["path"]) as file:
            text = file.read()
        post("/v1/tools/outcome", {"call": asked["call"], "result": {"text": text}})
        new.append({"role": "tool", "content": text, "toolCallId": call["id"]})
        print(json.dumps({"type": "tool", "turn": number, "tool": call["name"]}), flush=True)
    if not new:
        break
post("/v1/outcome", {"status": "success", "text": answer["content"]})
