import ArgumentParser
import CommandSupport
import Support
import SweepStore

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Joins the shares of cka sweep --shard to one store.",
    discussion: """
      All shares of one division are needed, of the same models and settings; their order does not \
      matter. The store has the bits of one that was made without shards, and grows like it. A merge \
      that was stopped goes on when the same command is given again.
      """)

  @Argument(help: "The shares: stores of cka sweep --shard.", completion: .file())
  var shares: [String]

  @Option(help: ArgumentHelp("The store that is made.", valueName: "dir"), completion: .directory)
  var output: String

  @OptionGroup(title: "Groups") var groups: GroupOptions

  @OptionGroup var cells: TableOption

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: quiet)
    try reportingFailures {
      let table = try groups.table
      let merge = try StoreMerge(shares)
      let results = try merge.write(to: output)
      if !quiet {
        try Console.print(
          """
          \(shares.count) shares of \(merge.modelCount) models, \(merge.minibatchCount) minibatches
          kept in \(oneLine(output))
          """)
      }
      try writeResults(
        results, groups: table, table: cells.isWanted, report: page.isWanted, log: log,
        isQuiet: quiet)
    }
  }
}
