"""Writes the tables and figures of a study into its folder `summary`."""

import block_tables
import component_tables
import error_tables
import figures
import residual_tables
import tables
from networks import write_whole
from study_files import Study


def write(networks, folder):
    study = Study(networks, folder)
    output = folder / "summary"
    measures = {
        "contrast of the strongest block": block_tables.strongest,
        "share of layers in blocks": block_tables.share,
        "first component's fraction of variance": component_tables.first_fraction,
    }
    sections = [
        tables.accuracy(study),
        block_tables.counts(study),
        block_tables.contrasts(study),
        block_tables.shares(study),
        component_tables.fractions(study),
        block_tables.changes(study, measures),
        component_tables.removal(study),
        component_tables.every_block(study),
        component_tables.dominant_examples(study),
        component_tables.inside_and_outside(study),
        block_tables.between_seeds(study),
        residual_tables.probes(study),
        residual_tables.collapse(study),
        error_tables.errors(study),
        tables.convergence(study),
    ]
    text = "\n\n".join(f"## {title}\n\n{body}" for title, body in sections) + "\n"
    write_whole(output / "tables.md", lambda file: file.write(text.encode()))
    for data in study.data:
        figures.maps(study, data, output / f"maps-{data}.png")
    figures.first_components(study, output / "first-components.png")
    figures.collapse(study, study.depths[-1], output / "collapse.png")
    # The paper's four panels, where a block is the likeliest: little data, many layers.
    depth, width = study.architectures[-1]
    network = study.chosen(depth=depth, width=width, data=study.data[-1])[0]
    panels = folder / "components" / network.data / network.name / "components.png"
    figures.halved(panels, output / "components.png")
    print(f"written to {output}: tables.md and figures", flush=True)
