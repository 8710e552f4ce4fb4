import OpenAI from "openai";

const tools: OpenAI.Chat.ChatCompletionTool[] = [{ type: "function", function: {
  name: "add", description: "Adds two numbers.",
  parameters: { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"] } } }];

const client = new OpenAI();
const messages: OpenAI.Chat.ChatCompletionMessageParam[] = [
  { role: "system", content: "You add numbers, two at a time." }, { role: "user", content: process.env.TASK! }];
for (;;) {
  const { message } = (await client.chat.completions.create({ model: process.env.MODEL_NAME!, messages, tools })).choices[0];
  messages.push(message);
  if (!message.tool_calls) {
    console.log(message.content);
    break;
  }
  for (const call of message.tool_calls) {
    if (call.type !== "function") continue;
    const { a, b } = JSON.parse(call.function.arguments);
    messages.push({ role: "tool", tool_call_id: call.id, content: String(a + b) });
  }
}
