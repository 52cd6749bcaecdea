import Support

extension ResultDocument {
  /// What was compared, in one line.
  package var summary: String {
    let counts = models.map { String($0.layers.count) }
    let layers = "\(counts[0]) × \(counts.last ?? counts[0]) layers"
    let method = "\(estimator.name) CKA, \(kernel.name)"
    let workers = ([device] + (sharingDevices ?? [])).map(\.id).joined(separator: ", ")
    return "\(layers), \(Format.count(examples.used)) examples, \(method), on \(workers) in "
      + Format.seconds(timings?.total ?? 0) + blockLines
  }

  /// A line a block, which the map outlines; nothing where nobody looked for blocks.
  private var blockLines: String {
    guard let blocks else { return "" }
    guard !blocks.isEmpty else { return "\nno block; cka blocks says what came closest" }
    return blocks.map { block in
      "\nblock, outlined: \(oneLine(block.firstLayer)) to \(oneLine(block.lastLayer)), \(block.size) layers, CKA "
        + "\(Format.fixed(block.meanInside, 2)) inside, \(Format.fixed(block.meanOutside, 2)) with other layers"
    }.joined()
  }
}
