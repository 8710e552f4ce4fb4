import os

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


agent = create_agent(ChatOpenAI(model=os.environ["MODEL_NAME"]), tools=[add], system_prompt="You add numbers, two at a time.")
answer = agent.invoke({"messages": [{"role": "user", "content": os.environ["TASK"]}]})
print(answer["messages"][-1].content)
