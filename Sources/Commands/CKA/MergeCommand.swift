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

  @OptionGroup(title: "Results") var wanted: StoreResultOptions

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: wanted.quiet)
    try reportingFailures {
      let groups = try wanted.groups
      let merge = try StoreMerge(shares)
      let results = try merge.write(to: output)
      if !wanted.quiet { try Console.print(merge.summary(store: output)) }
      try wanted.write(results, groups: groups, log: log)
    }
  }
}
