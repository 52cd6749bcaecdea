import Activations
import CKA
import Device
import Support
import SweepStore

/// `pairs.csv` of a sweep: the cells of all maps, one line per cell. Written pair by pair, so that memory
/// does not grow with its size.
package final class SweepTable {
  package static let name = "pairs.csv"
  private let file: FileAside<Failure>

  /// Begins the table in `folder`.
  package init(in folder: SweepFolder) throws {
    let path = "\(folder.path)/\(Self.name)"
    file = try FileAside(path, called: oneLine(path))
    try file.append(csvLine(["model", "layer", "model2", "layer2", "cka", "status", "z"]))
  }

  /// Adds the lines of the next pair.
  package func append(_ lines: [UInt8]) throws { try file.append(lines) }

  /// The table appears.
  package func finish() throws { try file.finish() }

  /// The lines of two models, or of one with itself, row by row of their map.
  package static func lines(_ similarity: Similarity, _ left: SweepModel, _ right: SweepModel)
    -> [UInt8]
  {
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
