import ArgumentParser

/// Whether the pairs of all models are written as one table, too.
struct TableOption: ParsableArguments {
  @Flag(
    name: .customLong("table"),
    help: """
      Also write results/pairs.csv: one line (about 80 bytes) for every pair of layers of every \
      pair of models.
      """)
  var isWanted = false
}
