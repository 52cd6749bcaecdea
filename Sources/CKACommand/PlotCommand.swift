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
      let document = try readDocument()
      let heatmap = try Heatmap(document, try readScores(document))
      if let output {
        guard let format = FigureFormat(pathExtension: PathParts(output).fileExtension) else {
          throw Failure(.usage, "\(oneLine(output)): the name must end in .png, .svg or .pdf")
        }
        guard force || access(output, F_OK) != 0 else {
          throw Failure(.cannotCreate, "\(oneLine(output)): exists; --force replaces it")
        }
        try write(try heatmap.bytes(format), to: output)
      } else {
        for file in try heatmap.files() { try write(file.bytes, to: "\(result)/\(file.name)") }
      }
      Console.print(heatmap.terminalText(), terminator: "")
    }
  }

  private func readDocument() throws -> ResultDocument {
    let path = "\(result)/result.json"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.noInput, "\(oneLine(path)): cannot be read; expected a folder of cka compare")
    }
    struct Version: Decodable { var format: String }
    let format = try? JSONDecoder().decode(Version.self, from: data).format
    guard format == ResultDocument.currentFormat else {
      throw Failure(
        .data,
        "\(oneLine(path)): format \(oneLine(format ?? "unknown")), expected "
          + ResultDocument.currentFormat)
    }
    guard let document = try? JSONDecoder().decode(ResultDocument.self, from: data),
      (1...2).contains(document.models.count),
      document.models.allSatisfy({ !$0.layers.isEmpty })
    else {
      throw Failure(.data, "\(oneLine(path)): not a whole \(ResultDocument.currentFormat)")
    }
    return document
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
        start.loadUnaligned(fromByteOffset: column * stride, as: Double.self)
      }
    }
    return Matrix(rows: rows, columns: columns, elements: elements)
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      let reason = oneLine((error as NSError).localizedDescription)
      throw Failure(.cannotCreate, "\(oneLine(path)): cannot be written: \(reason)")
    }
  }
}
