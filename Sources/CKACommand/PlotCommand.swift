import ActivationFiles
import Activations
import ArgumentParser
import CommandSupport
import Device
import Figures
import Foundation
import Report

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draws results again, or the pairs of a sweep.",
    discussion: """
      Reads cka.npy and result.json from folders that compare wrote, or sweep (STORE/results/pairs/*), \
      and writes heatmap.png and heatmap.svg beside them; with --report, report.html, also for what \
      converge wrote and for STORE/results as a whole.
      """)

  @Argument(help: "The folder of a result, or several.")
  var results: [String]

  @Option(
    help: ArgumentHelp(
      "The picture to write of one result, .png, .svg or .pdf, in place of its own two.",
      valueName: "file"))
  var output: String?

  @Flag(help: "Replace the picture if it exists.")
  var force = false

  @Flag(help: "Write report.html instead: the result as one page for a browser.")
  var report = false

  func validate() throws {
    if output != nil, results.count > 1 {
      throw ValidationError("--output takes one result, not \(results.count).")
    }
    if output != nil, report {
      throw ValidationError("--output belongs to pictures, not to --report.")
    }
  }

  func run() throws {
    try reportingFailures {
      if report {
        for result in results {
          let path = "\(result)/\(Report.fileName)"
          try replaceFile(try Report(ofResultAt: result).bytes(), at: path, called: oneLine(path))
          try Console.print("written: \(oneLine(path))")
        }
        return
      }
      guard results.count == 1 else {
        // A core a result: each is small.
        _ = try concurrentMap(results) { try drawBeside($0, formats: [.png, .svg]) }
        try Console.print("drawn: \(results.count) results")
        return
      }
      let result = results[0]
      if let output {
        let heatmap = try heatmap(of: result)
        let name = splitPath(output).name
        guard let dot = name.lastIndex(of: "."),
          let format = FigureFormat(pathExtension: String(name[name.index(after: dot)...]))
        else {
          throw Failure(.usage, "\(oneLine(output)): the name must end in .png, .svg or .pdf")
        }
        guard force || access(output, F_OK) != 0 else {
          throw Failure(.cannotCreate, "\(oneLine(output)): exists; --force replaces it")
        }
        try replaceFile(try heatmap.data(format), at: output, called: oneLine(output))
        try Console.print(heatmap.terminalText(), terminator: "")
      } else {
        let formats: [FigureFormat] = [.png, .svg]
        let heatmaps = try concurrentMap(formats) { try drawBeside(result, formats: [$0]) }
        try Console.print(heatmaps[0].terminalText(), terminator: "")
      }
    }
  }

  /// Writes pictures of a result into its folder.
  private func drawBeside(_ result: String, formats: [FigureFormat]) throws -> Heatmap {
    let heatmap = try heatmap(of: result)
    for format in formats {
      let path = "\(result)/\(ResultFiles.heatmap(format))"
      try replaceFile(try heatmap.data(format), at: path, called: oneLine(path))
    }
    return heatmap
  }

  private func heatmap(of result: String) throws -> Heatmap {
    let document = try ResultDocument(at: "\(result)/\(ResultFiles.document)")
    let scores = try document.scores(in: result)
    return try Heatmap(document, scores)
  }
}
