"""Judge orders on an archive of posts, or print the weights of the product's orders.

python -m loadtest.ranking ../shared/data/mailing_lists/r-sig-geo.csv.gz --hours 72
python -m loadtest.ranking --fit
"""

import json
from pathlib import Path

import click

from loadtest.ranking.archive import read_archive
from loadtest.ranking.fit_lists import find_lists, fit_meetings, fit_orders, split_looks
from loadtest.ranking.report import as_json, as_markdown, compare_orders

LISTS = Path(__file__).parents[3] / "shared" / "data" / "mailing_lists"


@click.command()
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False
)
@click.option("--hours", type=click.Choice(["24", "72"]), default="72", show_default=True)
@click.option("--json", "json_output", is_flag=True, help="Print for machines.")
@click.option("--cross-check", is_flag=True, help="Also use weights fitted on other lists alone.")
@click.option("--fit", is_flag=True, help="Print the weights, fitted on the lists.")
def main(file: Path | None, hours: str, json_output: bool, cross_check: bool, fit: bool) -> None:
    """Judge orders of posts on FILE, gzip CSV with post_id, user_id, ts and parent_id."""
    if fit == (file is not None):
        raise click.UsageError("give either FILE or --fit")
    if file is None:
        click.echo(render_weights(LISTS), nl=False)
        return
    other_lists = [each for each in find_lists(LISTS) if each.name != file.name]
    others = [split_looks(read_archive(each)).earlier for each in other_lists if cross_check]
    report = compare_orders(read_archive(file), int(hours), others)
    click.echo(json.dumps(as_json(report), indent=2) if json_output else as_markdown(report))


def render_weights(folder: Path) -> str:
    """Return the constants of services/ranking/weights.py, fitted on the lists of a folder."""
    files = find_lists(folder)
    if not files:
        raise click.ClickException(f"{folder}: no *.csv.gz to fit weights on")
    archives = [read_archive(file) for file in files]
    orders = fit_orders([split_looks(archive).earlier for archive in archives])
    constants = []
    for order, weights in {**orders, "MEETING": fit_meetings(archives)}.items():
        entries = "".join(f'    "{term}": {weight},\n' for term, weight in weights.items())
        constants.append(f"{order} = {{\n{entries}}}\n")
    return "\n".join(constants)


if __name__ == "__main__":
    main()
