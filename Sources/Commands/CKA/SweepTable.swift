import Activations
import ArgumentParser
import CKA
import Support
import SweepStore

/// Whether the pairs of all models are written as one table, too.
struct TableOption: ParsableArguments {
  @Flag(
    name: .customLong("table"),
    help: """
      Also write results/pairs.csv: a line, of some 80 bytes, for every two layers of every two models.
      """)
  var isWanted = false
}

/// `pairs.csv` of a sweep: the cells of all maps, a line each. It is written pair by pair, so that its size
/// takes no memory.
final class SweepTable {
  static let name = "pairs.csv"
  private let file: StreamedFile

  /// Begins the table in `folder`.
  init(in folder: SweepFolder) throws {
    let path = "\(folder.path)/\(Self.name)"
    file = try StreamedFile(path, called: oneLine(path))
    try file.append(csvLine(["model", "layer", "model2", "layer2", "cka", "status", "z"]))
  }

  /// Adds the lines of the next pair.
  func append(_ lines: [UInt8]) throws { try file.append(lines) }

  /// The table appears.
  func finish() throws { try file.finish() }

  /// The lines of two models, or of one with itself, row by row of their map.
  static func lines(_ similarity: Similarity, _ left: SweepModel, _ right: SweepModel) -> [UInt8] {
    func fields(_ model: SweepModel) -> [[UInt8]] {
      model.layers.map { csvLine([model.name, $0.name]).dropLast() }
    }
    let columns = fields(right)
    let comma = UInt8(ascii: ",")
    var bytes: [UInt8] = []
    for (i, row) in fields(left).enumerated() {
      for (j, column) in columns.enumerated() {
        bytes += row
        bytes.append(comma)
        bytes += column
        bytes.append(comma)
        bytes += csvNumber(similarity.cka[i, j]).utf8
        bytes.append(comma)
        bytes += similarity.statuses[i, j].rawValue.utf8
        bytes.append(comma)
        if let z = similarity.z { bytes += csvNumber(z[i, j]).utf8 }
        bytes.append(UInt8(ascii: "\n"))
      }
    }
    return bytes
  }
}
