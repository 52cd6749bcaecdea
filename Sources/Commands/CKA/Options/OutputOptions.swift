import ArgumentParser
import CommandSupport
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

  /// The folder, checked before the work so that none is lost at the end.
  var folder: ResultFolder {
    get throws {
      try ResultFolder(output, of: Result.kind, replacing: force, warn: Console.warning)
    }
  }

  /// Writes a result and says so.
  ///
  /// - Parameters:
  ///   - data: its files but for the pictures.
  ///   - text: what is printed of it, with the ends of lines.
  func write(
    _ result: Result, _ data: [FileMaker], to folder: ResultFolder,
    text: @autoclosure () throws -> String
  ) throws {
    let files = try result.files(with: data, report: page.isWanted)
    try folder.write(files)
    guard !quiet else { return }
    try Console.print(text() + folder.summary(of: files))
  }
}
