import asyncio
import os

from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient


async def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


async def main():
    able = {"vision": False, "function_calling": True, "json_output": True, "family": "unknown", "structured_output": True}
    client = OpenAIChatCompletionClient(model=os.environ["MODEL_NAME"], model_info=able)
    agent = AssistantAgent("adder", client, tools=[add], system_message="You add numbers, two at a time.", max_tool_iterations=10,
                           reflect_on_tool_use=True)
    print((await agent.run(task=os.environ["TASK"])).messages[-1].content)


asyncio.run(main())
