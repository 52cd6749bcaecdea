import ArgumentParser
import CommandSupport
import Logging
import ResultFigures
import Results

/// Where a command writes its result, and what it says.
struct OutputOptions<Result: DrawableResult & FolderResult>: ParsableArguments {
  @Option(
    help: ArgumentHelp("Output folder.", valueName: "dir"), completion: .directory)
  var output = Result.kind.defaultFolder

  @Flag(
    help: ArgumentHelp(
      "Replace an output folder that holds an earlier result of cka \(Result.kind.command)."))
  var force = false

  @OptionGroup var page: ReportOption

  @Flag(help: "Print errors only.")
  var quiet = false

  /// What is written of a result, but for the pictures, and the lines that are printed of it.
  typealias Written = (result: Result, data: [FileMaker], text: String)

  /// Makes a result, writes it and says so. The folder is checked before the work, so that none is lost at the end.
  ///
  /// - Parameter body: returns nil where it wrote what was asked for by itself; `isDry` allows that.
  func write(isDry: Bool = false, _ body: (Logger) throws -> Written?) throws {
    let log = Console.bootstrapLogging(isQuiet: quiet)
    try reportingFailures {
      let folder =
        isDry
        ? nil : try ResultFolder(output, of: Result.kind, replacing: force, warn: Console.warning)
      guard let made = try body(log), let folder else { return }
      let files = try made.result.files(with: made.data, report: page.isWanted)
      try folder.write(files)
      guard !quiet else { return }
      try Console.print(made.text + folder.summary(of: files))
    }
  }
}
