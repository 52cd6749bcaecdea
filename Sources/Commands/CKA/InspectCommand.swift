import ActivationFiles
import Activations
import ArgumentParser
import CommandSupport
import Inputs
import Results
import Support

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Layers, shapes, scalar types and sizes of MODEL.")

  @Argument(help: "The model to list.", completion: .file())
  var model: String

  @Flag(help: "Print the same as JSON, format cka-inspect/1.")
  var json = false

  func run() throws {
    try reportingFailures {
      let contents = try reportingFileErrors { () throws(ActivationFileError) in
        try ModelContents(path: model)
      }
      guard contents.hasOneExampleCount else {
        guard json else { return try list(contents) }
        return try write(InspectDocument(contents, nil, contents.layers, contents.skipped))
      }
      let opened = try reportingFileErrors { () throws(ActivationFileError) in
        try contents.model()
      }
      if json {
        return try write(InspectDocument(contents, opened, opened.layers, opened.skipped))
      }
      try list(opened.layers, opened.skipped)
      let total = opened.layers.reduce(0) { $0 + $1.byteCount }
      let ids = opened.exampleIDs == nil ? "without sample IDs" : "with sample IDs"
      try Console.print(
        "\(oneLine(opened.name)): \(opened.layers.count) layers, \(Format.count(opened.exampleCount)) "
          + "examples \(ids), \(Format.bytes(total))")
    }
  }

  private func write(_ document: InspectDocument) throws {
    try Console.print(String(decoding: try document.json, as: UTF8.self), terminator: "")
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
    let layouts = LayerShape.Layout.allCases
    let hasMaps = layers.contains(where: \.shape.isLayoutNeeded)
    if hasMaps { columns += layouts.map { ($0.rawValue, .right) } }
    var table = TextTable(columns)
    for layer in layers {
      let type = layer.scalarType.rawValue + (layer.isByteSwapped ? " (swapped)" : "")
      var cells = [
        oneLine(layer.name), "\(layer.shape)", Format.count(layer.shape.featureCount), type,
        layer.memoryOrder == .rowMajor ? "C" : "Fortran", Format.bytes(layer.byteCount),
      ]
      if hasStages { cells.insert(oneLine(layer.stage ?? ""), at: 1) }
      if hasMaps { cells += layouts.map { layer.pooledFeatures($0).map(Format.count) ?? "–" } }
      table.add(cells)
    }
    try Console.print(table.text, terminator: "")
    if hasMaps {
      try Console.print(
        "channels-first, channels-last: features that --pool mean keeps with this --layout")
    }
    for array in skipped {
      try Console.print("no layer: \(oneLine(array.name)): \(array.reason)")
    }
  }
}
