extension ComponentsDocument {
  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
    try estimator.check("estimator")
    try device.check("device")
    try models.check("models")
    try expect(components, within: 1...1 << 20, "components")
    try expect(count: models.count, of: layers, "layers")
    for (index, (model, layers)) in zip(models, layers).enumerated() {
      try expect(count: model.layers.count, of: layers, "layers[\(index)]")
      for (number, layer) in layers.enumerated() { try layer.check("layers[\(index)][\(number)]") }
    }
    try expect(!removed.isEmpty, "removed", found: "nothing", expected: "at least one")
    for count in removed { try expect(count, within: countable, "removed") }
    let (rows, columns) = models.shape
    try undefinedCells.check("undefinedCells", rows: rows, columns: columns)
    try expect(count: removed.count, of: undefinedReducedCells, "undefinedReducedCells")
    for (index, cells) in undefinedReducedCells.enumerated() {
      try cells.check("undefinedReducedCells[\(index)]", rows: rows, columns: columns)
    }
    try undefinedAlignmentCells.check("undefinedAlignmentCells", rows: rows, columns: columns)
    try examples.check("examples")
    for (index, example) in dominantExamples.enumerated() {
      try expect(example.example, within: countable, "dominantExamples[\(index)].example")
      try expect(example.share, within: fractions, "dominantExamples[\(index)].share")
    }
    for (index, point) in (removal?.points ?? []).enumerated() {
      let key = "removal.points[\(index)]"
      try expect(point.fraction, within: fractions, "\(key).fraction")
      try expect(point.dropped, within: countable, "\(key).dropped")
      try expect(point.meanCKA, within: scores, "\(key).meanCKA")
      for value in point.controlMeans { try expect(value, within: scores, "\(key).controlMeans") }
    }
    try timings.check("timings")
  }
}

extension ComponentsDocument.Layer {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    for value in varianceFractions {
      try expect(value, within: -1e-6...(1 + 1e-6), "\(key).varianceFractions")
    }
    try expect(bimodality, within: plainNumbers, "\(key).bimodality")
    try expect(zeroFraction, within: fractions, "\(key).zeroFraction")
  }
}
