import ArgumentParser
import CommandSupport
import Results
import Support

/// Where a command writes its result.
struct OutputOptions<Result: FolderResult>: ParsableArguments {
  @Option(
    help: ArgumentHelp("The folder that is written.", valueName: "dir"), completion: .directory)
  var output = Result.kind.defaultFolder

  @Flag(help: ArgumentHelp(stringLiteral: Self.forceHelp))
  var force = false

  private static var forceHelp: String {
    "Replace the output folder if it holds an earlier result"
      + (Result.kind.command == "compare" ? "." : " of \(Result.kind.command).")
  }

  /// The folder, looked into so that no work is lost at the end.
  var folder: ResultFolder {
    get throws {
      try ResultFolder(output, of: Result.kind, replacing: force, warn: Console.warning)
    }
  }
}
