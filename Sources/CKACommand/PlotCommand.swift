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
    abstract: "Draws a result again.",
    discussion: "Reads cka.npy and result.json from the folder that compare wrote.")

  @Argument(help: "The folder of a result.")
  var result: String

  @Option(
    help: ArgumentHelp(
      "The picture to write, .png, .svg or .pdf; without it the result's own two.",
      valueName: "file"))
  var output: String?

  @Flag(help: "Replace the picture if it exists.")
  var force = false

  func run() throws {
    try reportingFailures {
      let document = try ResultDocument(at: "\(result)/\(ResultFiles.document)")
      let heatmap = try Heatmap(document, try readScores(document))
      if let output {
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
      } else {
        let formats: [FigureFormat] = [.png, .svg]
        let files = try concurrentMap(formats) { try heatmap.bytes($0) }
        for (format, bytes) in zip(formats, files) {
          let path = "\(result)/\(ResultFiles.heatmap(format))"
          try replaceFile(bytes, at: path, called: oneLine(path))
        }
      }
      try Console.print(heatmap.terminalText(), terminator: "")
    }
  }

  private func readScores(_ document: ResultDocument) throws -> Matrix<Double> {
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
