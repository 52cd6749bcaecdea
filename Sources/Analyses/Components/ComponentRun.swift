import Activations
import CKA
import Device
import LinearAlgebra
import Support

extension ComponentAnalysis {
  /// Finds components on the first device of the team; where it fails, the next begins anew.
  ///
  /// Where the matrices of all layers fit the team's memory, they are made once; else one layer at a time for its
  /// components, and anew for each map.
  ///
  /// - Throws: the last device's error, or the first that says that activations are unreadable or the work was
  ///   cancelled.
  public func run(on team: DeviceTeam) throws(DeviceError) -> Outcome {
    var analysis = self
    analysis.meter = team.meter
    return try team.withPackedDevice { (device) throws(DeviceError) in
      guard isAtOnce(on: device.info, memory: team.memory) else {
        let side = tileSide(on: device.info, memory: team.memory)
        guard let device = device as? any PackedDevice & TiledDevice else {
          throw DeviceError(
            kind: .unsupported, call: "components",
            context: "\(device.info.id) makes no tiles, and all matrices do not fit the memory")
        }
        return try analysis.runInTiles(on: device, of: team, side: side)
      }
      return try analysis.runAtOnce(on: device, of: team)
    }
  }

  private func runAtOnce<D: PackedDevice>(
    on device: D, of team: DeviceTeam
  ) throws(DeviceError) -> Outcome {
    let start = ContinuousClock.now
    var timings = Comparison.Timings()
    meter?.begin(
      FullBatchCost(atOnce: FullBatchWork(comparison(.biased))).flops, as: "Gram matrices")
    var (grams, biasedSums) = try self.grams(on: device, &timings)
    meter?.end()
    let biased = Similarity(biasedSums, centering: .biased)
    timings.gramStacks = start.elapsed
    let pairsStart = ContinuousClock.now

    meter?.begin(Double(layerCount) * flopsOfSearch, as: "components", isEven: false)
    try team.checkCancellation()
    let layers = try search(grams.left + grams.right)
    meter?.end()
    var found = Array(layers.prefix(grams.left.count))
    var foundRight = right == nil ? nil : Array(layers.suffix(grams.right.count))
    let all = Array(0..<pairing.count)
    func maps() -> ReducedMaps<D> {
      ReducedMaps(self, grams: grams, found.map(\.pairs), foundRight?.map(\.pairs), on: device)
    }
    func mapSums(_ maps: ReducedMaps<D>) throws(DeviceError) -> [HSICSums] {
      var sums: [HSICSums] = []
      for count in [0] + removed {
        try team.checkCancellation()
        sums.append(
          count == 0 && estimator == .biased
            ? biasedSums : try maps.sums(of: all, removing: count))
      }
      return sums
    }
    let flopsOfMaps =
      Double(removed.count + (estimator == .biased ? 0 : 1)) * flopsOfMap(pairing.count)
    meter?.begin(
      flopsOfMaps + removalFlops(ofMap: flopsOfMap, ofControl: flopsOfMean), as: "maps")
    defer { meter?.end() }
    var current = maps()
    var sums = try mapSums(current)
    // Of which float32 leaves too little, whole or without components.
    let batch = comparison(.biased).minibatches(all)
    let doubtful = Self.doubtful(sums, \.left, biased.leftStatuses)
    let doubtfulRight = right == nil ? [] : Self.doubtful(sums, \.right, biased.rightStatuses)
    let doubtfulCount = doubtful.count + doubtfulRight.count
    if doubtfulCount > 0, fitsFloat64(doubtfulCount, on: device.info, memory: team.memory) {
      meter?.beginFloat64(
        flopsOfFloat64(doubtful, doubtfulRight) + Double(doubtfulCount) * flopsOfSearch
          + flopsOfMaps)
      defer { meter?.end() }
      let wide = try float64Grams(doubtful, of: batch.left)
      let wideRight =
        try batch.right.map { (right) throws(DeviceError) in
          try float64Grams(doubtfulRight, of: right)
        } ?? []
      for (index, pairs) in zip(wide.indices, try search(wide.map(\.gram))) {
        (grams.left[wide[index].layer], found[wide[index].layer]) = (wide[index].gram, pairs)
      }
      for (index, pairs) in zip(wideRight.indices, try search(wideRight.map(\.gram))) {
        grams.right[wideRight[index].layer] = wideRight[index].gram
        foundRight?[wideRight[index].layer] = pairs
      }
      current = maps()
      sums = try mapSums(current)
    }
    let similarities = zip([0] + removed, sums).map { count, sums in
      count == 0 && estimator == .biased
        ? biased
        : Similarity(sums, centering: estimator.centering)
          .withoutDegenerate(found, foundRight, removing: count)
    }
    let similarity = similarities[0]
    let reduced = Array(similarities.dropFirst())

    let components = zip(found, biased.leftStatuses).map { LayerComponents($0, status: $1) }
    let others = foundRight.map { found in
      zip(found, biased.rightStatuses).map { LayerComponents($0, status: $1) }
    }
    let shares = self.shares(components, others ?? [])
    let points = try removalCurve(
      shares: shares, whole: similarity.cka,
      map: { (examples) throws(DeviceError) in
        try team.checkCancellation()
        return try Similarity(
          current.sums(of: examples, removing: 0), centering: estimator.centering
        ).cka
      },
      mean: { (examples) throws(DeviceError) in
        try team.checkCancellation()
        return current.mean(of: examples)
      })
    timings.pairs = pairsStart.elapsed
    return Outcome(
      left: components, right: others ?? components, similarity: similarity, biased: biased,
      reduced: reduced, alignment: alignment(components, others ?? components), removal: points,
      shares: shares, device: device.info, timings: timings)
  }

  /// A comparison of all examples, or some, on the same meter.
  func comparison(_ estimator: Estimator, of pairing: ExamplePairing? = nil) -> Comparison {
    var comparison = Comparison(
      ofAll: left, right, pairing: pairing ?? self.pairing, estimator: estimator, kernel: .linear)
    comparison.meter = meter
    return comparison
  }

  /// The matrices of both models; of one model, `right` is empty.
  typealias Grams = (left: [HCenteredGram], right: [HCenteredGram])

  /// Copies of all Gram matrices, and biased CKA of them.
  private func grams<D: PackedDevice>(
    on device: D, _ timings: inout Comparison.Timings
  ) throws(DeviceError) -> (Grams, HSICSums) {
    let n = pairing.count
    let comparison = comparison(.biased)
    let batch = comparison.minibatches(Array(0..<n))
    func stack(_ minibatch: Minibatch) throws(DeviceError) -> D.Stack {
      let stack = try device.gramStack(of: minibatch, kernel: .linear, centering: .biased)
      timings.stages += stack.timings
      return stack
    }
    func copies(_ stack: D.Stack) throws(DeviceError) -> [HCenteredGram] {
      var copies: [HCenteredGram] = []
      for layer in stack.layers.indices {
        copies.append(try HCenteredGram(layer: layer, of: stack, exampleCount: n, on: device))
      }
      return copies
    }
    let leftStack = try stack(batch.left)
    let rightStack = try batch.right.map { (right) throws(DeviceError) in try stack(right) }
    let sums = try comparison.sums(leftStack, rightStack, of: n, on: device)
    let others = try rightStack.map { (right) throws(DeviceError) in try copies(right) } ?? []
    return ((try copies(leftStack), others), sums)
  }

  /// The first k pairs of every matrix, on all cores, a layer each.
  func search(_ grams: [HCenteredGram]) throws(DeviceError) -> [FoundComponents] {
    let results = concurrentMap(0..<grams.count) { index in
      var told = 0.0
      func tell(_ share: Double) {
        guard share > told, share <= 1 else { return }
        meter?.add((share - told) * flopsOfSearch)
        told = share
      }
      defer { tell(1) }
      return Result { () throws(LinearAlgebraError) in
        try FoundComponents(grams[index], count: components, observe: tell)
      }
    }
    var found: [FoundComponents] = []
    for result in results {
      do throws(LinearAlgebraError) {
        found.append(try result.get())
      } catch {
        throw DeviceError(kind: .failed, call: "principal components", context: error.description)
      }
    }
    return found
  }

  func alignment(
    _ left: [LayerComponents], _ right: [LayerComponents]
  ) -> Matrix<Double> {
    func first(_ layers: [LayerComponents]) -> Matrix<Double> {
      let n = pairing.count
      let rows = layers.flatMap { layer in
        layer.firstStatus == .ok
          ? Array(layer.vectors.elements.prefix(n)) : Array(repeating: Double.nan, count: n)
      }
      return Matrix(rows: layers.count, columns: n, elements: rows)
    }
    return innerProducts(first(left), first(right)).map { $0 * $0 }
  }
}

/// What is kept of a layer's matrix.
struct FoundComponents: Sendable {
  let summary: GramSummary
  /// In stored units; none where there is no matrix.
  let pairs: Eigenpairs
  let trace: Double
  let squaredNorm: Double
  /// Nil where there is no matrix.
  let gaps: ComponentGaps?

  /// - Parameter observe: see `HCenteredGram.leadingEigenpairs`.
  init(
    _ gram: HCenteredGram, count: Int, observe: (_ share: Double) -> Void
  ) throws(LinearAlgebraError) {
    summary = gram.summary
    (trace, squaredNorm) = (gram.trace, gram.squaredNorm)
    guard gram.exists else {
      pairs = Eigenpairs(
        values: [], vectors: Matrix(rows: 0, columns: gram.exampleCount, elements: []), next: 0,
        residual: 0)
      gaps = nil
      return
    }
    pairs = try gram.leadingEigenpairs(count, observe: observe)
    gaps = ComponentGaps(pairs, norm: squaredNorm.squareRoot(), rounding: summary.roundingNorm)
  }
}

extension ComponentAnalysis.LayerComponents {
  init(_ found: FoundComponents, status: Status) {
    self.status = status
    guard status == .ok else {
      (values, varianceFractions, deviations, gaps) = ([], [], [], nil)
      (trace, squaredNorm) = (.nan, .nan)
      vectors = Matrix(rows: 0, columns: found.pairs.vectors.columns, elements: [])
      return
    }
    let exponent = found.summary.exponent
    let stored = found.pairs.values.map { max($0, 0) }
    values = stored.map { Self.scaled($0, exponent) }
    trace = Self.scaled(found.trace, exponent)
    squaredNorm = Self.scaled(found.squaredNorm, 2 * exponent)
    varianceFractions = stored.map { $0 / found.trace }
    // The root of 2^exponent is a power of two where the exponent is even.
    let (half, odd) = (exponent >> 1, Double(1 + exponent & 1))
    deviations = stored.map { Self.scaled(($0 * odd).squareRoot(), half) }
    vectors = found.pairs.vectors
    gaps = found.gaps
  }

  /// number · 2^exponent; NaN where float64 has no room for it.
  private static func scaled(_ number: Double, _ exponent: Int) -> Double {
    let result = Double(sign: .plus, exponent: exponent, significand: number)
    return result.isNormal || number == 0 ? result : .nan
  }
}

/// ⟨aᵢ, bⱼ⟩ of all rows.
func innerProducts(_ a: Matrix<Double>, _ b: Matrix<Double>) -> Matrix<Double> {
  precondition(a.columns == b.columns, "rows of different lengths")
  var result = Matrix<Double>(rows: a.rows, columns: b.rows, repeating: 0)
  addProduct(
    rows: a.rows, columns: b.rows, terms: a.columns, a.elements, stride: a.columns,
    isTransposed: false, b.elements,
    stride: b.columns, isTransposed: true, to: &result.elements, stride: b.rows)
  return result
}
