import ActivationFiles
import Activations
import ArgumentParser
import CommandSupport
import Device
import Figures
import Foundation
import Report
import ResultFigures
import Results
import Support

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draws results again.",
    discussion: """
      Reads the folder of a result, of whatever command, and writes its pictures as .png, .svg and .pdf beside \
      the numbers; with --report, report.html. Of a sweep: STORE as a whole, or pairs, STORE/results/pairs/*.
      """)

  @Argument(help: "The folder of a result, or several.", completion: .file())
  var results: [String]

  @Option(
    help: ArgumentHelp("Only this one of its pictures, by the name of its file.", valueName: "name")
  )
  var figure: String?

  @Option(
    help: ArgumentHelp(
      """
      The picture to write of one result, .png, .svg or .pdf, in place of those beside it: the first, or \
      --figure.
      """, valueName: "file"), completion: .file())
  var output: String?

  @OptionGroup(title: "Pictures") var look: FigureOptions

  @Flag(help: "Replace the picture if it exists.")
  var force = false

  @Flag(help: "Write report.html instead: the result as one page for a browser.")
  var report = false

  func validate() throws {
    if output != nil, results.count > 1 {
      throw ValidationError("--output takes one result, not \(results.count).")
    }
    if report, output != nil || figure != nil || look.isGiven {
      throw ValidationError("Options of pictures do not belong to --report.")
    }
  }

  func run() throws {
    try reportingFailures {
      if report {
        for folder in results { try writeReport(of: folder) }
        return
      }
      if let output {
        let format = try format(of: output)
        let figure = try self.figures(of: results[0])[0]
        guard force || access(output, F_OK) != 0 else {
          throw Failure(.cannotCreate, "\(oneLine(output)): exists; --force replaces it")
        }
        let bytes = try drawing(results[0]) { try figure.figure.data(format, style: look.style()) }
        try replaceFile(bytes, at: output, called: oneLine(output))
        return try show(figure)
      }
      guard results.count == 1 else {
        // A core a result: each is small.
        _ = try concurrentMap(results) { folder in
          for figure in try self.figures(of: folder) { try draw(figure, beside: folder) }
        }
        return try Console.print("drawn: \(results.count) results")
      }
      let figures = try self.figures(of: results[0])
      _ = try concurrentMap(figures) { try draw($0, beside: results[0]) }
      if figures[0].figure is Heatmap { try show(figures[0]) }
      let names = figures.flatMap { figure in Self.formats.map { figure.file($0) } }
      try Console.print("drawn in \(oneLine(results[0])): \(names.joined(separator: ", "))")
    }
  }

  /// What is drawn beside a result.
  private static let formats = FigureFormat.allCases

  /// The chosen figures of the result in a folder, at least one.
  private func figures(of folder: String) throws -> [NamedFigure] {
    let all = try drawing(folder) { try readResult(in: folder).figures() }
    var chosen = all
    if let figure {
      chosen = all.filter { $0.name == figure }
    } else if output != nil {
      chosen = [all[0]]
    }
    guard !chosen.isEmpty else {
      throw Failure(
        .usage,
        "--figure \(oneLine(figure ?? "")): \(oneLine(folder)) has \(all.map(\.name).joined(separator: ", "))"
      )
    }
    guard !look.asksForMaps || chosen.contains(where: { $0.figure is Heatmap }) else {
      throw Failure(
        .usage,
        "--range and --title belong to maps: \(oneLine(folder)) has none of one panel in "
          + chosen.map(\.name).joined(separator: ", "))
    }
    return try drawing(folder) {
      try chosen.map { NamedFigure(name: $0.name, figure: try look.applied(to: $0.figure)) }
    }
  }

  private func writeReport(of folder: String) throws {
    let bytes = try drawing(folder) { try readResult(in: folder).report().bytes() }
    let place = try resultFolder(folder)
    let path = "\(place)/\(ResultNames.page)"
    try replaceFile(bytes, at: path, called: oneLine(path))
    try Console.print("written: \(oneLine(path))")
  }

  /// Writes pictures of a figure into the folder of its result.
  private func draw(_ figure: NamedFigure, beside folder: String) throws {
    for format in Self.formats {
      let path = "\(try resultFolder(folder))/\(figure.file(format))"
      let bytes = try drawing(folder) { try figure.figure.data(format, style: look.style()) }
      try replaceFile(bytes, at: path, called: oneLine(path))
    }
  }

  /// The map on this terminal, of figures that are one.
  private func show(_ figure: NamedFigure) throws {
    guard let heatmap = figure.figure as? Heatmap else { return }
    try Console.print(heatmap.terminalText(), terminator: "")
  }

  private func format(of output: String) throws -> FigureFormat {
    let name = splitPath(output).name
    guard let dot = name.lastIndex(of: "."),
      let format = FigureFormat(pathExtension: String(name[name.index(after: dot)...]))
    else {
      throw Failure(.usage, "\(oneLine(output)): the name must end in .png, .svg or .pdf")
    }
    return format
  }
}
