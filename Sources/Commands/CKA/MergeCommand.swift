import ArgumentParser
import CommandSupport
import Support
import SweepStore

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Joins the shards of cka sweep --shard into one store.",
    discussion: """
      Needs all shards of one sweep, with the same models and settings, in any order. The store is \
      identical to one made without shards and can be extended like it. To resume a merge that was \
      stopped, give the same command again.
      """)

  @Argument(help: "Shards: stores written by cka sweep --shard.", completion: .file())
  var shares: [String]

  @Option(help: ArgumentHelp("The store to create.", valueName: "dir"), completion: .directory)
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
          stored in \(oneLine(output))
          """)
      }
      try writeResults(
        results, groups: table, table: cells.isWanted, report: page.isWanted, log: log,
        isQuiet: quiet)
    }
  }
}
