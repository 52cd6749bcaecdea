import ActivationFiles
import Activations
import Support

extension ModelFiles {
  /// Its layers, and what they are together.
  package var text: String {
    let total = layers.reduce(0) { $0 + $1.byteCount }
    let ids = exampleIDs == nil ? "without sample IDs" : "with sample IDs"
    return list(layers, skipped)
      + "\(oneLine(name)): \(layers.count) layers, \(Format.count(exampleCount)) examples \(ids), "
      + "\(Format.bytes(total))\n"
  }
}

extension ModelContents {
  /// Arrays of which no command knows the layers until some are chosen.
  package var text: String {
    list(layers, skipped)
      + "\(oneLine(name)): \(layers.count) arrays, equally many with different numbers of "
      + "examples: choose layers with --layers\n"
  }
}

private func list(_ layers: [LayerActivations], _ skipped: [SkippedArray]) -> String {
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
  let legend =
    hasMaps
    ? "channels-first, channels-last: features that remain with --pool mean and this --layout\n"
    : ""
  return table.text + legend
    + skipped.map { "skipped: \(oneLine($0.name)): \($0.reason)\n" }.joined()
}
