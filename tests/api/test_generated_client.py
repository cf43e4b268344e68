"""A TypeScript client generated from the document works."""

import asyncio
import json
import shutil
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from services.metrics.metrics import Metrics
from streams.process.room import Room
from streams.process.serving import serve_app
from tests.api.issuer import SECRET, token
from tests.api.village import ALICE, BOB, Village, api_on

PACKAGES = ("@hey-api/openapi-ts@0.95.0", "typescript@5.9.3")
INSTALL_SECONDS, RUN_SECONDS = 240, 120
PROGRAM = """
import { client } from "./client/client.gen";
import { readHome, readThread } from "./client/sdk.gen";
import type { Item, Listing, Problem, Thread } from "./client/types.gen";

async function main(baseUrl: string, token: string): Promise<void> {
  client.setConfig({ baseUrl, auth: () => token });
  const home = await readHome({ path: { user_id: "1" }, query: { limit: 5, hydrate: true } });
  const listing: Listing = home.data!;
  const [first] = listing.items as Item[];
  const thread: Thread = (await readThread({ path: { post_id: first.post_id } })).data!;
  const refused: Problem = (await readHome({ path: { user_id: "2" } })).error!;
  const text = (each: Item | string): string => (typeof each === "string" ? each : each.text);
  const texts = listing.items.map(text);
  console.log(JSON.stringify({ texts, places: thread.items.length, status: refused.status }));
}

void main(process.argv[2], process.argv[3]);
"""
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "target": "es2022",
        "module": "commonjs",
        "lib": ["es2022", "dom", "dom.iterable"],
        "types": [],
        "outDir": "built",
    },
    "include": ["program.ts", "node.d.ts", "client"],
}


async def run(folder: Path, *command: str, seconds: float = RUN_SECONDS) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, output.decode()
    return output.decode()


async def installed(folder: Path) -> Path:
    """Return the folder of the tools; skip the test if they cannot be installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node.js with npm")
    (folder / "package.json").write_text('{"private": true}')
    try:
        await run(folder, npm, "install", "--no-audit", *PACKAGES, seconds=INSTALL_SECONDS)
    except (AssertionError, TimeoutError) as error:
        pytest.skip(f"npm cannot install {', '.join(PACKAGES)}: {str(error)[-200:]}")
    return folder / "node_modules" / ".bin"


@pytest.mark.proof
@pytest.mark.timeout(600)
async def test_a_typescript_client_is_generated_compiled_and_used(
    village: Village, tmp_path: Path
) -> None:
    """With strict types it reads a listing, a thread and a problem."""
    tools = await installed(tmp_path)
    await village.follows(ALICE, BOB)
    root = await village.post(BOB, minutes_ago=2, text="hello")
    await village.reply(ALICE, root, text="good morning")
    api, room = api_on(village.stores, auth_secret=SECRET), Room(Metrics(CollectorRegistry()))
    async with serve_app(api, "127.0.0.1", 0, room) as address:
        async with httpx.AsyncClient() as client:
            document = (await client.get(f"{address}/openapi.json")).text
        (tmp_path / "openapi.json").write_text(document)
        (tmp_path / "program.ts").write_text(PROGRAM)
        (tmp_path / "node.d.ts").write_text("declare const process: { argv: string[] };")
        (tmp_path / "tsconfig.json").write_text(json.dumps(TSCONFIG))
        await run(tmp_path, str(tools / "openapi-ts"), "-i", "openapi.json", "-o", "client")
        await run(tmp_path, str(tools / "tsc"))
        said = await run(tmp_path, "node", "built/program.js", str(address), token(ALICE))
    assert json.loads(said) == {"texts": ["good morning", "hello"], "places": 2, "status": 403}
