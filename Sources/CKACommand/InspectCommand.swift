import Activations
import ArgumentParser
import CommandSupport

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Layers, shapes, scalar types and sizes of MODEL.")

  @Argument(help: "The model to list.")
  var model: String

  func run() throws {
    try reportingFailures {
      let model = try openModel(model)
      let hasStages = model.layers.contains { $0.stage != nil }
      var columns: [(heading: String, alignment: TextTable.Alignment)] = [
        ("layer", .left), ("examples × features", .left), ("p", .right), ("type", .left),
        ("order", .left), ("size", .right),
      ]
      if hasStages { columns.insert(("stage", .left), at: 1) }
      var table = TextTable(columns)
      for layer in model.layers {
        let type = layer.scalarType.rawValue + (layer.isByteSwapped ? " (swapped)" : "")
        var cells = [
          oneLine(layer.name), "\(layer.shape)", Format.count(layer.shape.featureCount), type,
          layer.memoryOrder == .rowMajor ? "C" : "Fortran", Format.bytes(layer.byteCount),
        ]
        if hasStages { cells.insert(oneLine(layer.stage ?? ""), at: 1) }
        table.add(cells)
      }
      try Console.print(table.text, terminator: "")
      let total = model.layers.reduce(0) { $0 + $1.byteCount }
      let ids = model.exampleIDs == nil ? "without sample IDs" : "with sample IDs"
      try Console.print(
        "\(oneLine(model.name)): \(model.layers.count) layers, \(Format.count(model.exampleCount)) "
          + "examples \(ids), \(Format.bytes(total))")
    }
  }
}

extension LayerActivations {
  /// Bytes of all examples.
  fileprivate var byteCount: Int { bytesPerExample * shape.exampleCount }
}
