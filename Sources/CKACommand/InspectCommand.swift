import ActivationFiles
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
      let contents = try reportingFileErrors { () throws(ActivationFileError) in
        try ModelContents(path: model)
      }
      guard contents.hasOneExampleCount else { return try list(contents) }
      let opened = try reportingFileErrors { () throws(ActivationFileError) in
        try contents.model()
      }
      try list(opened.layers, opened.skipped)
      let total = opened.layers.reduce(0) { $0 + $1.byteCount }
      let ids = opened.exampleIDs == nil ? "without sample IDs" : "with sample IDs"
      try Console.print(
        "\(oneLine(opened.name)): \(opened.layers.count) layers, \(Format.count(opened.exampleCount)) "
          + "examples \(ids), \(Format.bytes(total))")
    }
  }

  /// Lists arrays of which no command knows the layers until some are chosen.
  private func list(_ contents: ModelContents) throws {
    try list(contents.layers, contents.skipped)
    try Console.print(
      "\(oneLine(contents.name)): \(contents.layers.count) arrays; as many have one number of examples "
        + "as another: choose layers with --layers")
  }

  private func list(_ layers: [LayerActivations], _ skipped: [SkippedArray]) throws {
    let hasStages = layers.contains { $0.stage != nil }
    var columns: [(heading: String, alignment: TextTable.Alignment)] = [
      ("layer", .left), ("examples × features", .left), ("p", .right), ("type", .left),
      ("order", .left), ("size", .right),
    ]
    if hasStages { columns.insert(("stage", .left), at: 1) }
    var table = TextTable(columns)
    for layer in layers {
      let type = layer.scalarType.rawValue + (layer.isByteSwapped ? " (swapped)" : "")
      var cells = [
        oneLine(layer.name), "\(layer.shape)", Format.count(layer.shape.featureCount), type,
        layer.memoryOrder == .rowMajor ? "C" : "Fortran", Format.bytes(layer.byteCount),
      ]
      if hasStages { cells.insert(oneLine(layer.stage ?? ""), at: 1) }
      table.add(cells)
    }
    try Console.print(table.text, terminator: "")
    for array in skipped {
      try Console.print("no layer: \(oneLine(array.name)): \(array.reason)")
    }
  }
}

extension LayerActivations {
  /// Bytes of all examples.
  fileprivate var byteCount: Int { bytesPerExample * shape.exampleCount }
}
