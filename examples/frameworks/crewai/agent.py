import os

from crewai import LLM, Agent, Crew, Task
from crewai.tools import tool


@tool("add")
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


# CrewAI takes known names only; the gateway asks the run's model whatever a request names.
llm = LLM(model="openai/gpt-4o-mini")
adder = Agent(role="adder", goal="add numbers, two at a time", backstory="You add.", tools=[add], llm=llm, verbose=False)
task = Task(description=os.environ["TASK"], expected_output="the sum", agent=adder)
answer = Crew(agents=[adder], tasks=[task], verbose=False).kickoff()
with open(os.environ["SYMPOZIUM_RESULT_FILE"], "w") as result:  # CrewAI prints much beside it
    result.write(str(answer))
