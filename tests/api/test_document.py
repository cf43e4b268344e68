"""The OpenAPI document describes exactly what the API does."""

from importlib.metadata import version
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.issuer import SECRET
from tests.api.village import ALICE, BOB, CAROL, Village, api_on, client_of, memory

Json = dict[str, Any]


@pytest.fixture(params=[{}, {"auth_secret": SECRET}], ids=["open", "with tokens"])
async def document(request: pytest.FixtureRequest) -> Json:
    """The document of the API, without and with authentication."""
    async with client_of(api_on(memory(), **request.param)) as client:
        document: Json = (await client.get("/openapi.json")).json()
    return document


def test_it_is_an_openapi_document(document: Json) -> None:
    """It is valid under the specification's own schema, references included."""
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_documented(document: Json) -> None:
    """Nothing else is documented; the explorer, which is for people, is not."""
    served = {route.path_format for route in api_on(memory(), explorer="never").routes}
    assert served == document["paths"].keys()


def test_every_operation_is_complete(document: Json) -> None:
    """Each has an id, a summary, examples and, unless it is open, 401 and 403."""
    operations = [path["get"] for path in document["paths"].values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for operation in operations:
        guarded = {"401", "403"} if operation["security"] else set()
        assert {"200", "500", "503"} | guarded <= operation["responses"].keys()
        assert operation["summary"]
        for content in operation["responses"]["200"]["content"].values():
            assert content["example"]
        for parameter in operation["parameters"]:
            assert parameter["description"]


def test_it_has_the_version_of_the_package(document: Json) -> None:
    """As `mingle --version` says it."""
    assert document["info"]["version"] == version("mingle")


def test_every_operation_has_a_tag(document: Json) -> None:
    """Just one, which is described."""
    described = {each["name"] for each in document["tags"] if each["description"]}
    assert described == {tag for path in document["paths"].values() for tag in path["get"]["tags"]}
    assert all(len(path["get"]["tags"]) == 1 for path in document["paths"].values())


def test_examples_are_what_they_are_examples_of(document: Json) -> None:
    """Each example is valid under its schema."""
    root = {"components": document["components"]}
    contents = [
        content
        for path in document["paths"].values()
        for content in path["get"]["responses"]["200"]["content"].values()
    ]
    contents += [
        content
        for response in document["components"]["responses"].values()
        for content in response["content"].values()
    ]
    for content in contents:
        jsonschema.Draft202012Validator(root | content["schema"]).validate(content["example"])


async def test_what_a_village_is_answered_is_documented(document: Json) -> None:
    """Real items, threads with placeholders, gaps and explanations match their schemas."""

    async def answers() -> list[tuple[str, Json]]:
        village = Village()
        paths = await _history(village)
        async with client_of(api_on(village.stores)) as client:
            newest = (await client.get("/v1/users/1/home?limit=1")).json()
            oldest = (await client.get(f"/v1/users/1/home?before={newest['next']}")).json()
            paths["/v1/users/1/home?limit=1&newer_than=" + oldest["prev"]] = "Listing"
            return [(name, (await client.get(path)).json()) for path, name in paths.items()]

    root = {"components": document["components"]}
    for name, body in await answers():
        schema = root | {"$ref": f"#/components/schemas/{name}", "unevaluatedProperties": False}
        jsonschema.Draft202012Validator(schema).validate(body)


async def _history(village: Village) -> dict[str, str]:
    """Create posts, and return the paths to request with the schemas of their answers."""
    await village.follows(ALICE, BOB)
    root = await village.post(BOB, minutes_ago=9, lang="en", text="hello")
    reply = await village.reply(CAROL, root, minutes_ago=8)
    await village.reply(BOB, reply, minutes_ago=7)
    await village.post(BOB, minutes_ago=6, repost_of=await village.post(CAROL, minutes_ago=7))
    await village.post(ALICE, minutes_ago=5, visibility="followers")
    await village.delete(CAROL, reply)
    return {
        "/v1/users/1/home": "Listing",
        "/v1/users/1/home?hydrate=false": "Listing",
        "/v1/users/2/posts?viewer=1": "Listing",
        f"/v1/posts/{root}": "Item",
        f"/v1/posts/{root}/thread": "Thread",
        f"/v1/users/1/explain/{root}": "Explanation",
    }
