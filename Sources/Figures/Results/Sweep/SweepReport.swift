import CKA
import Device
import Figures
import Report
import Results
import Support

extension Report {
  /// The page of the results of a sweep, made of its files: the maps of all pairs, those of
  /// architectures, and what models and pairs there are.
  init(_ result: SweepResult) throws {
    let document = result.document
    let groups = try result.groupMaps(titled: false).map { map in
      Report.Map(map.heatmap, name: "\(map.group): \(map.name)")
    }
    let taken = groups.reduce(0) { $0 + $1.heatmap.values.count }
    let chosen = document.pairsWithMaps(cells: Report.mostCells - taken)
    let left = document.pairs.count - chosen.count
    var sections = [
      Section(
        "Pairs of models",
        note: """
          Left: mean similarity at equal relative depth. Choose a pair by a click, Enter, or the \
          sliders.\(left > 0 ? " \(Self.missing(left))" : "")
          """,
        panels: [.pairs(try Pairs(result, chosen))])
    ]
    if !groups.isEmpty {
      sections.append(
        Section(
          "Architectures", note: "Means and deviations over networks that differ in their seed.",
          panels: [.maps(groups, label: "Map")]))
    }
    for points in document.points ?? [] {
      sections.append(
        Section(
          points.title,
          note: "Near points are alike. The tree joins the clusters of the least mean distance.",
          panels: try Report.panels(
            try points.figure(of: document, titled: false),
            description: (["\(Format.count(points.models.count)) models as points, and as a tree"]
              + points.findings(of: document)).joined(separator: "; "))))
    }
    sections += [
      Section("Models", panels: [.table(Table(modelsOf: document))]),
      Section("Pairs as numbers", panels: [.table(Table(pairsOf: document))]),
    ]
    self.init(
      title: "Similarity of \(Format.count(document.models.count)) models",
      facts: [
        .init("Estimator", ResultDocument.text(of: document.estimator)),
        .init("Kernel", ResultDocument.text(of: document.kernel)),
        .init(
          "Examples",
          ResultDocument.text(used: document.examples.used, dropped: document.examples.dropped)),
        .init("Pooling", document.pooling),
        .init("Device", document.devices.map(\.id).joined(separator: ", ")),
        .init("Pairs", Format.count(document.pairs.count)),
      ], sections: sections)
  }

  private static func missing(_ count: Int) -> String {
    "The maps of \(Format.count(count)) pairs are left out to limit the size of the page; they are "
      + "in the folder pairs."
  }
}

extension Report.Pairs {
  fileprivate init(_ result: SweepResult, _ chosen: [Int]) throws {
    let document = result.document
    let count = document.models.count
    let axis = Heatmap.Axis(labels: document.models.map(\.name))
    var means = [Double](repeating: .nan, count: count * count)
    for pair in document.pairs {
      let mean = pair.similarityAtEqualDepth ?? .nan
      means[pair.left * count + pair.right] = mean
      means[pair.right * count + pair.left] = mean
    }
    let scores = try concurrentMap(chosen) { try result.map(of: document.pairs[$0]) }
    var entries = [Int](repeating: -1, count: count * count)
    for (entry, index) in chosen.enumerated() {
      entries[document.pairs[index].left * count + document.pairs[index].right] = entry
    }
    var maps: [Report.Map] = []
    for (index, cka) in zip(chosen, scores) {
      maps.append(
        try Report.Map(document, document.pairs[index], cka))
    }
    let overview = try Heatmap(
      values: means, rows: count, columns: count, rowAxis: axis, columnAxis: axis,
      scoreName: "mean \(document.scoreName) at equal relative depth")
    self.init(
      overview: overview, maps: maps, entries: entries,
      missing: "The map of this pair is not in the page; it is in the folder pairs.")
  }
}

extension Report.Map {
  /// The map of one pair; cells of a layer without a value have that layer's status.
  fileprivate init(
    _ document: SweepDocument, _ pair: SweepDocument.Pair, _ cka: Matrix<Double>
  ) throws(FigureError) {
    let (left, right) = (document.models[pair.left], document.models[pair.right])
    let statuses =
      pair.undefinedCells == 0 ? nil : ResultDocument.Layer.statuses(left.layers, right.layers)
    let name = pair.left == pair.right ? left.name : "\(left.name) × \(right.name)"
    self.init(
      try Heatmap(
        values: cka.elements, rows: cka.rows, columns: cka.columns, rowAxis: left.axis,
        columnAxis: right.axis, scoreName: document.scoreName),
      name: name, statuses: statuses)
  }
}

extension Report.Table {
  fileprivate init(modelsOf document: SweepDocument) {
    self.init(
      [
        .text("model"), .text("architecture"), .text("seed"), .number("layers"),
        .number("without value"), .text("path"),
      ],
      rows: document.models.map { model in
        let undefined = model.layers.count { $0.status != Status.ok.rawValue }
        return [
          model.name, model.group, model.seed ?? "", Format.count(model.layers.count),
          undefined == 0 ? "" : Format.count(undefined), model.path,
        ]
      })
  }

  fileprivate init(pairsOf document: SweepDocument) {
    self.init(
      [
        .text("rows"), .text("columns"), .number("mean CKA at equal relative depth"),
        .number("cells without value"), .text("folder"),
      ],
      rows: document.pairs.map { pair in
        [
          document.models[pair.left].name, document.models[pair.right].name,
          pair.similarityAtEqualDepth.map { Format.fixed($0, 4) } ?? "",
          pair.undefinedCells == 0 ? "" : Format.count(pair.undefinedCells), pair.folder,
        ]
      })
  }
}

extension SweepDocument {
  /// Which pairs have their maps in a page that has room for so many cells: models with themselves, then
  /// pairs of one architecture, then the others, as many as fit; always one.
  fileprivate func pairsWithMaps(cells: Int) -> [Int] {
    func rank(_ pair: Pair) -> Int {
      if pair.left == pair.right { return 0 }
      return models[pair.left].group == models[pair.right].group ? 1 : 2
    }
    let ordered = pairs.indices.sorted { (rank(pairs[$0]), $0) < (rank(pairs[$1]), $1) }
    var room = cells
    var chosen: [Int] = []
    for index in ordered {
      let pair = pairs[index]
      let size = models[pair.left].layers.count * models[pair.right].layers.count
      guard chosen.isEmpty || size <= room else { continue }
      room -= size
      chosen.append(index)
    }
    return chosen.sorted()
  }
}
