// What numbers in documents may be, for `StoredDocument.check`.

/// Throws unless `holds`.
func expect(
  _ holds: Bool, _ key: @autoclosure () -> String, found: @autoclosure () -> String,
  expected: @autoclosure () -> String
) throws(DocumentFault) {
  guard holds else { throw DocumentFault(key: key(), found: found(), expected: expected()) }
}

/// Throws unless a whole number is within `range`.
func expect(
  _ value: Int?, within range: ClosedRange<Int>, _ key: @autoclosure () -> String
) throws(DocumentFault) {
  guard let value else { return }
  try expect(
    range.contains(value), key(), found: String(value),
    expected: range.lowerBound == range.upperBound
      ? String(range.lowerBound) : "\(range.lowerBound) to \(range.upperBound)")
}

/// Throws unless a number is within `range`; what does not exist is.
func expect(
  _ value: Double?, within range: ClosedRange<Double>, _ key: @autoclosure () -> String
) throws(DocumentFault) {
  guard let value else { return }
  try expect(
    range.contains(value), key(), found: String(value),
    expected: "\(range.lowerBound) to \(range.upperBound)")
}

/// Throws unless whole numbers, each named by its key below `key`, are within `range`.
func expect(
  _ values: KeyValuePairs<String, Int?>, within range: ClosedRange<Int>, of key: String = ""
) throws(DocumentFault) {
  for (name, value) in values {
    try expect(value, within: range, key.isEmpty ? name : "\(key).\(name)")
  }
}

/// Throws unless numbers, each named by its key below `key`, are within `range`.
func expect(
  _ values: KeyValuePairs<String, Double?>, within range: ClosedRange<Double>,
  of key: String = ""
) throws(DocumentFault) {
  for (name, value) in values {
    try expect(value, within: range, key.isEmpty ? name : "\(key).\(name)")
  }
}

/// Throws unless a list has so many entries.
func expect(
  count: Int, of list: some Collection, _ key: @autoclosure () -> String
) throws(DocumentFault) {
  try expect(
    list.count == count, key(), found: "\(list.count) entries", expected: String(count))
}

/// What may be counted: numbers up to 2⁵³ are the same in every reader of JSON, and products with what a
/// reader has of its own stay within 64 bits.
let countable = 0...(1 << 53)
/// CKA and means of it, with room for rounding and for the estimates of unbiased ones.
let scores = -2.0...2.0
/// Probabilities, shares, accuracies; with room for rounding.
let fractions = -1e-9...(1 + 1e-9)
/// Numbers that are only printed, or drawn on an axis of their own.
let plainNumbers = -1e100...1e100
/// Bandwidths and factors of them: all that float64 holds.
let positive = 0...Double.greatestFiniteMagnitude
/// Upper bound of durations in seconds, about thirty million years.
let durations = 0...1e15

extension ResultDocument.Estimator {
  func check(_ key: String) throws(DocumentFault) {
    try expect(batchSize, within: 1...countable.upperBound, "\(key).batchSize")
    try expect(passes, within: 1...countable.upperBound, "\(key).passes")
  }
}

extension ResultDocument.Kernel {
  func check(_ key: String) throws(DocumentFault) {
    try expect(medianExamples, within: countable, "\(key).medianExamples")
    try expect(["medianMultiple": medianMultiple, "sigma": sigma], within: positive, of: key)
  }
}

extension ResultDocument.Worker {
  func check(_ key: String) throws(DocumentFault) {
    try expect(minibatches, within: countable, "\(key).minibatches")
  }
}

extension ResultDocument.Layer {
  func check(_ key: String) throws(DocumentFault) {
    for axis in shape { try expect(axis, within: countable, "\(key).shape") }
    try expect(features, within: countable, "\(key).features")
    try expect(sigma, within: positive, "\(key).sigma")
    try nonFinite?.check("\(key).nonFinite")
  }
}

extension NonFiniteExamples {
  func check(_ key: String) throws(DocumentFault) {
    try expect(
      ["values": values, "examples": examples, "compared": compared], within: countable, of: key)
    for example in first { try expect(example, within: countable, "\(key).first") }
  }
}

/// Refuses places that are not those of layers, a list for each of `models`.
private func expect(
  layers: [[Int]], of models: [ResultDocument.Model], _ key: String
) throws(DocumentFault) {
  try expect(count: models.count, of: layers, key)
  for (index, (model, places)) in zip(models, layers).enumerated() {
    for place in places {
      try expect(place, within: 0...model.layers.count - 1, "\(key)[\(index)]")
    }
  }
}

extension ResultDocument.Recomputed {
  /// Checks layers and cells of a map of `models`.
  func check(_ key: String, models: [ResultDocument.Model]) throws(DocumentFault) {
    try expect(layers: layers, of: models, "\(key).layers")
    let (rows, columns) = models.shape
    try expect(cells, within: 0...rows * columns, "\(key).cells")
  }
}

extension ResultDocument.Plan {
  func check(_ key: String, models: [ResultDocument.Model]) throws(DocumentFault) {
    for (name, count) in pairs {
      try expect(count, within: countable, "\(key).pairs.\(name)")
    }
    if let tiledLayers {
      try expect(layers: tiledLayers, of: models, "\(key).tiledLayers")
    }
    try expect(
      [
        "tileSide": tileSide, "tiles": tiles, "readings": readings, "memory": memory,
        "peakMemory": peakMemory,
      ], within: countable, of: key)
    try expect(["flops": flops, "bytesRead": bytesRead], within: 0...1e100, of: key)
    try expect(expectedSeconds, within: durations, "\(key).expectedSeconds")
  }
}

extension ResultDocument.Timings {
  func check(_ key: String) throws(DocumentFault) {
    try expect(
      [
        "open": open, "read": read, "transfer": transfer, "gram": gram, "pairs": pairs,
        "float64": float64, "total": total,
      ], within: durations, of: key)
  }
}

extension ResultDocument.Examples {
  func check(_ key: String) throws(DocumentFault) {
    try expect(total, within: countable, "\(key).total")
    try expect(used, within: countable, "\(key).used")
    try expect(dropped, within: countable, "\(key).dropped")
    try expect(minibatches, within: countable, "\(key).minibatches")
    try expect(limit, within: countable, "\(key).limit")
    for example in nonFinite ?? [] { try expect(example, within: countable, "\(key).nonFinite") }
  }
}

extension ConvergeDocument.Examples {
  func check(_ key: String) throws(DocumentFault) {
    try expect(total, within: countable, "\(key).total")
    try expect(compared, within: 1...countable.upperBound, "\(key).compared")
    try expect(limit, within: countable, "\(key).limit")
  }
}

extension [ResultDocument.Model] {
  /// Checks one model, or the two that were compared.
  func check(_ key: String) throws(DocumentFault) {
    try expect(
      (1...2).contains(count), key, found: "\(count) models", expected: "one or two")
    for (index, model) in enumerated() {
      let place = "\(key)[\(index)].layers"
      try expect(!model.layers.isEmpty, place, found: "no layer", expected: "at least one")
      for (number, layer) in model.layers.enumerated() { try layer.check("\(place)[\(number)]") }
    }
  }
}

extension [ResultDocument.Cell] {
  /// Checks cells of a map of `rows` × `columns`.
  func check(_ key: String, rows: Int, columns: Int) throws(DocumentFault) {
    for (index, cell) in enumerated() {
      try expect(cell.row, within: 0...rows - 1, "\(key)[\(index)].row")
      try expect(cell.column, within: 0...columns - 1, "\(key)[\(index)].column")
    }
  }
}

extension ResultDocument.Block {
  /// Checks a block of `layers` layers.
  func check(_ key: String, layers: Int) throws(DocumentFault) {
    try expect(first, within: 0...layers - 1, "\(key).first")
    try expect(last, within: first...max(layers - 1, first), "\(key).last")
    try expect(last, within: 0...layers - 1, "\(key).last")
    try expect(size, within: 1...(last - first + 1), "\(key).size")
    try expect(
      [
        "meanInside": meanInside, "meanOutside": meanOutside, "contrast": contrast ?? 0,
      ], within: plainNumbers, of: key)
    try expect(p, within: fractions, "\(key).p")
  }
}

extension [ResultDocument.Block] {
  /// Checks blocks of `layers` layers: in order, and disjoint.
  func check(_ key: String, layers: Int) throws(DocumentFault) {
    var end = 0
    for (index, block) in enumerated() {
      try block.check("\(key)[\(index)]", layers: layers)
      try expect(
        block.first >= end, "\(key)[\(index)].first", found: String(block.first),
        expected: "\(end) or more, after the previous block")
      end = block.last + 1
    }
  }
}
