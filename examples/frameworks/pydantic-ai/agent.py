import os

from pydantic_ai import Agent

adder = Agent(f"openai:{os.environ['MODEL_NAME']}", instructions="You add numbers, two at a time.")


@adder.tool_plain
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


print(adder.run_sync(os.environ["TASK"]).output)
