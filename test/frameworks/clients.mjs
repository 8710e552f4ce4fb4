// Node's client libraries against the simulator whose address is in SIMULATOR. Started by wire.py.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const url = process.env.SIMULATOR;
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: "none", maxRetries: 0 });
const parameters = { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"] };
const sums = [{ a: 17, b: 25 }, { a: 1, b: 2 }];
const results = ["42", "3"];

async function chat(stream) {
  const tools = [{ type: "function", function: { name: "add", parameters } }];
  const messages = [{ role: "user", content: "add 17 and 25" }];
  const ask = () => stream ? openai.chat.completions.stream({ model: "m", messages, tools }).finalChatCompletion()
                           : openai.chat.completions.create({ model: "m", messages, tools });
  const first = await ask();
  const said = first.choices[0].message;
  assert.equal(first.choices[0].finish_reason, "tool_calls");
  assert.deepEqual(said.tool_calls.map((call) => JSON.parse(call.function.arguments)), sums);
  messages.push({ role: "assistant", content: said.content, tool_calls: said.tool_calls });
  said.tool_calls.forEach((call, i) => messages.push({ role: "tool", tool_call_id: call.id, content: results[i] }));
  assert.equal((await ask()).choices[0].message.content, "It is 42, and 3.");
}

async function responses(stream) {
  const tools = [{ type: "function", name: "add", parameters, strict: false }];
  const input = [{ role: "user", content: "add 17 and 25" }];
  const ask = () => stream ? openai.responses.stream({ model: "m", input, tools }).finalResponse()
                           : openai.responses.create({ model: "m", input, tools });
  const first = await ask();
  assert.equal(first.output_text, "I add them.");
  assert.equal(first.usage.input_tokens, 30);
  const calls = first.output.filter((item) => item.type === "function_call");
  assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), sums);
  input.push(...first.output);
  calls.forEach((call, i) => input.push({ type: "function_call_output", call_id: call.call_id, output: results[i] }));
  assert.equal((await ask()).output_text, "It is 42, and 3.");
}

async function embeddings() {
  const whole = await openai.embeddings.create({ model: "m", input: "a b", encoding_format: "float" });
  const packed = await openai.embeddings.create({ model: "m", input: "a b" });
  whole.data[0].embedding.forEach((value, i) => assert.ok(Math.abs(value - packed.data[0].embedding[i]) < 1e-6));
  assert.equal(packed.data[0].embedding.length, 64);
}

async function messages(stream) {
  const tools = [{ name: "add", description: "adds", input_schema: parameters }];
  const conversation = [{ role: "user", content: "add 17 and 25" }];
  const request = { model: "m", max_tokens: 100, messages: conversation, tools };
  const ask = () => stream ? anthropic.messages.stream(request).finalMessage() : anthropic.messages.create(request);
  const first = await ask();
  assert.equal(first.stop_reason, "tool_use");
  assert.equal(first.usage.output_tokens, 12);
  const calls = first.content.filter((block) => block.type === "tool_use");
  assert.deepEqual(calls.map((call) => call.input), sums);
  conversation.push({ role: "assistant", content: first.content });
  conversation.push({ role: "user", content: calls.map((call, i) => ({ type: "tool_result", tool_use_id: call.id, content: results[i] })) });
  assert.equal((await ask()).content[0].text, "It is 42, and 3.");
}

async function refusals() {
  await assert.rejects(openai.chat.completions.create({ model: "m", messages: [{ role: "user", content: "refuse chat" }] }), OpenAI.RateLimitError);
  await assert.rejects(anthropic.messages.create({ model: "m", max_tokens: 1, messages: [{ role: "user", content: "refuse messages" }] }), Anthropic.RateLimitError);
}

async function breaksOff() {
  const ask = () => openai.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "break off chat" }] }).finalChatCompletion();
  await assert.rejects(ask());
  assert.match((await ask()).choices[0].message.content, /in its middle$/);
}

const cases = {
  "chat whole": () => chat(false), "chat streamed": () => chat(true),
  "responses whole": () => responses(false), "responses streamed": () => responses(true),
  "messages whole": () => messages(false), "messages streamed": () => messages(true),
  embeddings, refusals, "breaks off": breaksOff,
};
let failed = 0;
for (const [name, test] of Object.entries(cases)) {
  try {
    await test();
  } catch (error) {
    failed += 1;
    console.log(`${name}: failed`, error);
  }
}
console.log(`openai and @anthropic-ai/sdk for node: ${Object.keys(cases).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
