import ArgumentParser
import CommandSupport
import ResultFigures
import Results
import Support

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Redraws the pictures of results.",
    discussion: """
      Reads a result folder of any command and writes its pictures as .png, .svg and .pdf beside \
      the numbers; with --report, report.html. For a sweep give STORE, or pairs: \
      STORE/results/pairs/*.
      """)

  @Argument(help: "One or more result folders.", completion: .file())
  var results: [String]

  @Option(
    help: ArgumentHelp("Draw only the picture with this file name.", valueName: "name")
  )
  var figure: String?

  @Option(
    help: ArgumentHelp(
      """
      Write one picture of one result to this file (.png, .svg or .pdf) instead: the first, or the \
      one of --figure.
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
    if report, try output != nil || figure != nil || look.isGiven {
      throw ValidationError("Picture options cannot be combined with --report.")
    }
  }

  func run() throws {
    try reportingFailures {
      if report {
        for folder in results { try Console.print("written: \(oneLine(writePage(of: folder)))") }
        return
      }
      let look = try look.look
      if let output {
        _ = try Redrawing.format(of: output)
        let drawing = try Redrawing(of: results[0], figure: figure, first: true, as: look)
        try drawing.write(to: output, replacing: force)
        return try show(drawing)
      }
      guard results.count == 1 else {
        _ = try concurrentMap(results) {
          try Redrawing(of: $0, figure: figure, as: look).write()
        }
        return try Console.print("drawn: \(results.count) results")
      }
      let drawing = try Redrawing(of: results[0], figure: figure, as: look)
      let names = try drawing.write()
      try show(drawing)
      try Console.print("drawn in \(oneLine(results[0])): \(names.joined(separator: ", "))")
    }
  }

  /// The map on this terminal, of figures that are one.
  private func show(_ drawing: Redrawing) throws {
    if let map = drawing.map { try Console.print(map.terminalText(), terminator: "") }
  }
}
