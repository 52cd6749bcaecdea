extension UncertaintyDocument {
  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
    try kernel.check("kernel")
    try device.check("device")
    try expect(
      (1...2).contains(models.count), "models", found: "\(models.count) models",
      expected: "one or two")
    for (index, model) in models.enumerated() {
      let key = "models[\(index)].layers"
      try expect(!model.layers.isEmpty, key, found: "no layer", expected: "at least one")
      for layer in model.layers {
        try expect(layer.halfShare, within: fractions, "\(key).halfShare")
        try expect(layer.groupShare, within: fractions, "\(key).groupShare")
      }
    }
    let (rows, columns) = shape
    try undefinedCells.check("undefinedCells", rows: rows, columns: columns)
    try undefinedErrors.check("undefinedErrors", rows: rows, columns: columns)
    try expect(examples.total, within: countable, "examples.total")
    try expect(examples.compared, within: countable, "examples.compared")
    try expect(
      largestStandardError, within: 0...plainNumbers.upperBound, "largestStandardError")
    try expect(control.cells, within: countable, "control.cells")
    try expect(
      [
        "mean": control.mean, "deviation": control.deviation,
        "expectedDeviation": control.expectedDeviation, "largest": control.largest,
      ], within: plainNumbers, of: "control")
    if let significance {
      let key = "significance"
      try expect(significance.tests, within: countable, "\(key).tests")
      try expect(significance.standOut, within: 0...significance.tests, "\(key).standOut")
      try expect(significance.level, within: fractions, "\(key).level")
      try expect(significance.permutations, within: countable, "\(key).permutations")
      try expect(significance.largestP, within: fractions, "\(key).largestP")
    }
    try pair?.check("pair", rows: rows, columns: columns)
    try expect(seconds, within: durations, "seconds")
  }

  /// Layers on the rows and on the columns of the map.
  var shape: (rows: Int, columns: Int) {
    (models[0].layers.count, models[models.count - 1].layers.count)
  }
}

extension UncertaintyDocument.Pair {
  fileprivate func check(_ key: String, rows: Int, columns: Int) throws(DocumentFault) {
    try expect(row, within: 0...rows - 1, "\(key).row")
    try expect(column, within: 0...columns - 1, "\(key).column")
    try expect(cka, within: scores, "\(key).cka")
    try expect(
      [
        "bias": bias, "standardError": standardError, "low": low, "high": high, "z": z,
        "bound": bound, "p": p, "permutationMean": permutationMean,
        "permutationDeviation": permutationDeviation, "permutationLargest": permutationLargest,
      ], within: plainNumbers, of: key)
    try expect(permutations, within: countable, "\(key).permutations")
    for (index, drop) in drops.enumerated() {
      let key = "\(key).drops[\(index)]"
      try expect(drop.fraction, within: fractions, "\(key).fraction")
      try expect(drop.dropped, within: countable, "\(key).dropped")
      for value in [drop.withoutContributors, drop.withoutHeaviest] + drop.withoutRandom {
        try expect(value, within: scores, key)
      }
    }
    if let groups {
      try expect(groups.count, within: countable, "\(key).groups.count")
      try expect(groups.separation, within: fractions, "\(key).groups.separation")
      try expect(groups.within, within: scores, "\(key).groups.within")
    }
    for (index, carrier) in carriers.enumerated() {
      let key = "\(key).carriers[\(index)]"
      try expect(carrier.contribution, within: plainNumbers, "\(key).contribution")
      try expect(carrier.weight, within: plainNumbers, "\(key).weight")
    }
  }
}
