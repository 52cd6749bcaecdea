import ArgumentParser

/// Whether the pairs of all models are written as one table, too.
struct TableOption: ParsableArguments {
  @Flag(
    name: .customLong("table"),
    help: """
      Also write results/pairs.csv: a line, of some 80 bytes, for every two layers of every two models.
      """)
  var isWanted = false
}
