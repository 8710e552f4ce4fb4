import os

from agents import Agent, Runner, function_tool


@function_tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


adder = Agent(name="adder", instructions="You add numbers, two at a time.", model=os.environ["MODEL_NAME"], tools=[add])
print(Runner.run_sync(adder, os.environ["TASK"]).final_output)
