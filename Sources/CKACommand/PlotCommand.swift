import ActivationFiles
import Activations
import ArgumentParser
import CommandSupport
import Device
import Figures
import Foundation

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draws results again, or the pairs of a sweep.",
    discussion: """
      Reads cka.npy and result.json from folders that compare wrote, or sweep (STORE/results/pairs/*), \
      and writes heatmap.png and heatmap.svg beside them.
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

  func validate() throws {
    if output != nil, results.count > 1 {
      throw ValidationError("--output takes one result, not \(results.count).")
    }
  }

  func run() throws {
    try reportingFailures {
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
        try replaceFile(try heatmap.bytes(format), at: output, called: oneLine(output))
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
      try replaceFile(try heatmap.bytes(format), at: path, called: oneLine(path))
    }
    return heatmap
  }

  private func heatmap(of result: String) throws -> Heatmap {
    let document = try ResultDocument(at: "\(result)/\(ResultFiles.document)")
    return try Heatmap(document, try readScores(document, of: result))
  }

  private func readScores(_ document: ResultDocument, of result: String) throws -> Matrix<Double> {
    let path = "\(result)/cka.npy"
    let rows = document.models[0].layers.count
    let columns = (document.models.last ?? document.models[0]).layers.count
    guard let layer = try openModel(path).layers.first, layer.scalarType == .float64,
      layer.shape == LayerShape(exampleCount: rows, featureAxes: [columns])
    else {
      throw Failure(.data, "\(oneLine(path)): expected \(rows) × \(columns) float64 scores")
    }
    let elements = (0..<rows).flatMap { row in
      let (start, stride) = layer.row(row)
      return (0..<columns).map { column in
        let bits = start.loadUnaligned(fromByteOffset: column * stride, as: UInt64.self)
        return Double(bitPattern: layer.isByteSwapped ? bits.byteSwapped : bits)
      }
    }
    // No CKA is larger than 1, but for rounding.
    if let other = elements.first(where: { abs($0) > 1.001 }) {
      throw Failure(.data, "\(oneLine(path)): holds \(other), expected scores of -1 to 1")
    }
    return Matrix(rows: rows, columns: columns, elements: elements)
  }
}
