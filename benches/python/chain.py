"""What a chain of three steps costs in langchain-core, by the time of the process.

Prints what a benchmark of ours writes: nanoseconds a workflow, one sample a round.
"""

import asyncio
import json
import sys
import time
from importlib.metadata import version

from langchain_core.runnables import RunnableLambda


async def step(n: int) -> int:
    return n + 1


async def plain(n: int) -> int:
    return await step(await step(await step(n)))


async def main(rounds: int) -> None:
    chain = RunnableLambda(step) | RunnableLambda(step) | RunnableLambda(step)
    subjects = {"python, bare": (plain, 20_000), "langchain-core": (chain.ainvoke, 200)}
    samples = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, (run, times) in subjects.items():
            begun = time.process_time_ns()
            for _ in range(times):
                await run(1)
            samples[name].append((time.process_time_ns() - begun) / times)
    versions = {name: version(name) for name in ["langchain-core"]}
    print(json.dumps({"bench": "python", "subjects": samples, "versions": versions}))


asyncio.run(main(int(sys.argv[1])))
