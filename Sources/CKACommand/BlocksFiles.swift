import Activations
import CKA
import CommandSupport
import Device
import Figures
import Report

/// The files of a result of `blocks`, as bytes, ready to be written.
struct BlocksFiles {
  private static let document = "blocks.json"
  /// The folder that is written.
  static let kind = ResultFolder.Kind(
    command: "blocks", document: document, formatFamily: BlocksDocument.formatFamily,
    names: [
      document, "blocks.csv", "heatmap.png", "heatmap.svg", "blocks.png", "blocks.svg", "depth.png",
      "depth.svg", "pairs.csv", "depth.csv", "matches.csv", Report.fileName,
    ])

  /// Names and bytes.
  let contents: [(name: String, bytes: [UInt8])]
  /// Of one network: its map with outlines.
  let heatmap: Heatmap?

  /// - Parameter report: whether a page is among them.
  init(
    _ document: BlocksDocument, _ input: BlocksInput, _ across: AcrossModels, report: Bool
  ) throws {
    var figures: [(name: String, heatmap: Heatmap)] = []
    if input.networks.count == 1 {
      let network = input.networks[0]
      var result = network.document
      result.blocks = document.models[0].blocks
      figures.append(("heatmap", try Heatmap(result, network.map)))
    } else {
      figures.append(("blocks", try Heatmap(blocksOf: document.models)))
    }
    if !across.curves.isEmpty {
      figures.append(("depth", try Heatmap(across.curves)))
    }
    heatmap = input.networks.count == 1 ? figures[0].heatmap : nil
    var files = try figures.flatMap { name, heatmap in try pictures(name, of: heatmap) }
    files += [("blocks.csv", document.csv), (Self.document, try document.json)]
    if !input.pairs.isEmpty {
      files += [
        ("pairs.csv", across.pairTable), ("depth.csv", across.depthTable),
        ("matches.csv", across.matchTable),
      ]
    }
    if report {
      files.append((Report.fileName, try Report(document, figures.map(\.heatmap)).bytes()))
    }
    contents = files
  }
}

extension Heatmap {
  /// Where the blocks of many networks lie: a row a network, the layers from the left to the right.
  fileprivate init(blocksOf models: [BlocksDocument.Model]) throws {
    let columns = min(max(models.map(\.layers).max() ?? 1, 20), 200)
    let values = models.flatMap { model in
      (0..<columns).map { column in
        let layer = (2 * column + 1) * model.layers / (2 * columns)
        if model.undefinedLayers.contains(layer) { return Double.nan }
        guard let block = model.blocks.first(where: { $0.layers.contains(layer) }) else { return 0 }
        return block.contrast ?? .nan
      }
    }
    try self.init(
      values, rowLabels: models.map(\.name),
      columnLabels: (0..<columns).map { Format.fixed((Double($0) + 0.5) / Double(columns), 2) },
      columnTitle: "part of the layers", scoreName: "contrast", title: "blocks")
  }

  /// Curves of similarity against depth: a row a pair of architectures.
  fileprivate init(_ curves: [AcrossModels.DepthCurve]) throws {
    let names = curves.map { $0.left == $0.right ? $0.left : "\($0.left) – \($0.right)" }
    try self.init(
      curves.flatMap(\.means), rowLabels: names,
      columnLabels: AcrossModels.depths.map { Format.fixed($0, 2) },
      columnTitle: "proportional depth of both layers", scoreName: "CKA",
      title: "similarity at equal depth")
  }

  private init(
    _ values: [Double], rowLabels: [String], columnLabels: [String], columnTitle: String,
    scoreName: String, title: String
  ) throws {
    try self.init(
      values: values, rows: rowLabels.count, columns: columnLabels.count,
      rowAxis: Axis(labels: rowLabels),
      columnAxis: Axis(labels: columnLabels, title: columnTitle),
      range: scoreRange(lowest: values.filter { !$0.isNaN }.min() ?? 0), scoreName: scoreName,
      title: title)
  }
}
