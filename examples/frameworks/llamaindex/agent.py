import asyncio
import os

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai import OpenAI


async def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


async def main():
    # LlamaIndex wants a name whose context size it knows; the gateway asks the run's model whatever a request names.
    agent = FunctionAgent(tools=[add], llm=OpenAI(model="gpt-4o-mini"), system_prompt="You add numbers, two at a time.")
    print(await agent.run(os.environ["TASK"]))


asyncio.run(main())
