import Activations
import Support

/// What is taken of the positions of maps, and of examples × tokens × features, where some tokens may be padding.
public enum TokenPooling: String, Sendable, CaseIterable {
  /// All numbers of an example are its features.
  case flatten
  /// The mean of the tokens that count.
  case mean
  /// The first token that counts: the one of the class in many transformers.
  case first
  /// The last token that counts: what a causal language model predicts from.
  case last
  /// Every token that counts, as an example of its own.
  case tokens
}

extension LayerActivations {
  /// The layer with its tokens pooled, computed when it is first read, into a temporary file: n × D numbers of the
  /// layer's type, or float64 means; of `tokens` as many rows as tokens count. Layers without tokens, examples ×
  /// features, stay as they are, and all do with `flatten`.
  ///
  /// - Parameters:
  ///   - layout: where the features are; nil asks the mask which of two axes its tokens are.
  ///   - mask: which tokens count; nil takes all.
  ///   - path: the model's file or folder, for messages.
  /// - Returns: the layer, and of each row the example and the tokens it is of; none where it stays as it is.
  /// - Throws: `Failure` where the layer has no axis of tokens that fits, or an example has none that counts.
  package func pooled(
    _ pooling: TokenPooling, layout: LayerShape.Layout?, mask: TokenMask?, path: String
  ) throws -> (layer: LayerActivations, rows: [(example: Int, tokens: [Int])]) {
    guard pooling != .flatten else { return (self, []) }
    let words = "\(oneLine(path)): layer \(oneLine(name)), \(shape)"
    // An empty layer is refused where it is compared.
    guard shape.featureAxes.count > 1, shape.featureCount > 0, shape.exampleCount > 0 else {
      guard pooling == .tokens else { return (self, []) }
      throw Failure(
        .usage,
        "\(words): --pool tokens takes examples × tokens × features; --exclude leaves it out")
    }
    guard shape.featureAxes.count == 2 else {
      throw Failure(
        .usage,
        "\(words): has no single axis of tokens; --exclude leaves the layer out, or --pool mean without --mask "
          + "takes the mean over its positions")
    }
    if let mask, mask.exampleCount != shape.exampleCount {
      throw Failure(.data, "\(words): \(mask), expected the same examples")
    }
    let fits = mask.map { mask in shape.featureAxes.map { mask.fits($0) } } ?? [false, false]
    let found =
      layout ?? (fits[0] == fits[1] ? nil : fits[0] ? .channelsLast : .channelsFirst)
    guard let found else {
      throw Failure(
        .usage,
        "\(words): --pool \(pooling.rawValue) needs --layout: channels-first has \(shape.featureAxes[1]) tokens, "
          + "channels-last \(shape.featureAxes[0])")
    }
    var layer = self
    layer.pooling = .mean(found)
    let length = layer.positions.count
    if let mask, !mask.fits(length) {
      throw Failure(
        .data,
        "\(words): \(mask), expected \(length) tokens; --exclude leaves the layer out, --layout names its axes"
      )
    }
    let places = mask?.places ?? Array(repeating: Array(0..<length), count: shape.exampleCount)
    if pooling != .tokens, let empty = places.firstIndex(where: \.isEmpty) {
      throw Failure(.data, "\(words): example \(empty) has no token that counts")
    }
    let picks: [(example: Int, tokens: [Int])] =
      switch pooling {
      case .mean: places.enumerated().map { ($0, $1) }
      case .first: places.enumerated().map { ($0, Array($1.prefix(1))) }
      case .last: places.enumerated().map { ($0, Array($1.suffix(1))) }
      // `flatten` has returned before.
      case .tokens, .flatten:
        places.enumerated().flatMap { example, tokens in tokens.map { (example, [$0]) } }
      }
    return (try layer.picked(picks, isMean: pooling == .mean, path: path), picks)
  }

  /// Rows of the features of tokens, one or a mean of several.
  private func picked(
    _ picks: [(example: Int, tokens: [Int])], isMean: Bool, path: String
  ) throws -> LayerActivations {
    let type = isMean ? ScalarType.float64 : scalarType
    let width = positions.channels * type.size
    let place = Place(path: path, part: "layer \(quoted(name))")
    guard let shape = LayerShape(exampleCount: picks.count, featureAxes: [positions.channels]),
      !picks.isEmpty, width > 0
    else {
      throw Failure(.data, "\(oneLine(path)): layer \(oneLine(name)): nothing is left to compare")
    }
    let source = self
    let rows = try UnpackedArray(size: picks.count * width, place: place) {
      (target) throws(ActivationFileError) in
      do throws(ActivationReadError) {
        try source.write(picks, isMean: isMean, to: target.bytes)
      } catch {
        throw place.error(error.isDamaged ? .data : .io, error.reason)
      }
    }
    return LayerActivations(
      name: name, stage: stage, shape: shape, scalarType: type,
      isByteSwapped: isMean ? false : isByteSwapped,
      blocks: [
        Block(firstExample: 0, exampleCount: picks.count, bytes: rows.bytes, storage: rows)
      ])
  }

  private func write(
    _ picks: [(example: Int, tokens: [Int])], isMean: Bool,
    to target: UnsafeMutableRawBufferPointer
  ) throws(ActivationReadError) {
    try check()
    guard var row = target.baseAddress else { return }
    let (channels, _, channelStride, positionStride) = positions
    var sums = [Double](repeating: 0, count: channels)
    for pick in picks {
      let (start, stride) = try self.row(pick.example)
      let step = channelStride * stride
      guard isMean else {
        let token = start + pick.tokens[0] * positionStride * stride
        for channel in 0..<channels {
          (row + channel * scalarType.size).copyMemory(
            from: token + channel * step, byteCount: scalarType.size)
        }
        row += channels * scalarType.size
        continue
      }
      for channel in 0..<channels { sums[channel] = 0 }
      for token in pick.tokens {
        scalarType.forEachNumber(
          from: start + token * positionStride * stride, stride: step, count: channels,
          isSwapped: isByteSwapped
        ) { sums[$0] += $1 }
      }
      for channel in 0..<channels {
        row.storeBytes(of: sums[channel] / Double(pick.tokens.count), as: Double.self)
        row += MemoryLayout<Double>.size
      }
    }
  }
}
