import Activations
import Device

/// One candidate after another on the same layers.
struct Trial {
  var tuner: OpenCLTuner
  let cache: CacheFolder
  /// What the candidates are variations of.
  var tuning: Tuning
  private var usualScores: [Matrix<Double>] = []
  private let check: Minibatch
  private let checkScores: Matrix<Double>
  private let minibatches: [OpenCLTuner.Step: [Minibatch]]

  init(tuner: OpenCLTuner, cache: CacheFolder, tuning: Tuning) {
    self.tuner = tuner
    self.cache = cache
    self.tuning = tuning
    // Rows and features that fill neither tiles nor steps.
    let layers = [33, 5, 70].enumerated().map {
      Self.layer(examples: 77, features: $1, seed: UInt64($0 + 1))
    }
    check = Self.minibatch(layers.map(\.layer))
    checkScores = Float64Scores.cka(layers.map(\.values), exampleCount: 77)
    minibatches = [
      .gram: tuner.gramWorkloads.map(Self.minibatch),
      .pairs: tuner.pairWorkloads.map(Self.minibatch),
    ]
  }

  /// The step's shape of `tuning`, whose results the candidates are held against.
  mutating func measureDefault(_ step: OpenCLTuner.Step) throws(DeviceError)
    -> OpenCLTuner.Measurement
  {
    usualScores = []
    let result = try time(tuning, step)
    usualScores = result.scores
    guard result.error < tuner.tolerance else {
      throw DeviceError(
        kind: .failed, call: "tuning \(tuner.device.name)",
        context: "with its defaults CKA differs from float64 by \(result.error)")
    }
    return OpenCLTuner.Measurement(
      step: step, shape: tuning[step], isDefault: true, seconds: result.seconds,
      error: result.error, rejection: nil)
  }

  func measure(_ shape: TileShape, _ step: OpenCLTuner.Step) -> OpenCLTuner.Measurement {
    var candidate = tuning
    candidate[step] = shape
    func measurement(_ seconds: [Double], _ error: Double?, _ rejection: String?)
      -> OpenCLTuner.Measurement
    {
      OpenCLTuner.Measurement(
        step: step, shape: shape, isDefault: false, seconds: seconds, error: error,
        rejection: rejection)
    }
    do throws(DeviceError) {
      let result = try time(candidate, step)
      // The comparison is false for NaN too.
      guard result.error < tuner.tolerance else { return measurement([], result.error, "wrong") }
      return measurement(result.seconds, result.error, nil)
    } catch {
      return measurement([], nil, error.description)
    }
  }

  /// Seconds of each workload, the largest error, and the scores of the workloads.
  private func time(_ tuning: Tuning, _ step: OpenCLTuner.Step) throws(DeviceError)
    -> (seconds: [Double], error: Double, scores: [Matrix<Double>])
  {
    let device = try OpenCLDevice(
      tuner.device, limits: OpenCLLimits(tuner.device), tuning: tuning, cache: cache)
    var error = Self.difference(try run(device, check, step).scores, checkScores)
    var seconds: [Double] = []
    var scores: [Matrix<Double>] = []
    // Nobody needs to know how fast a wrong candidate is.
    guard error < tuner.tolerance else { return ([], error, []) }
    for (index, minibatch) in (minibatches[step] ?? []).enumerated() {
      var times: [Double] = []
      for counted in 0...tuner.runs {
        let result = try run(device, minibatch, step)
        if counted > 0 {
          times.append(result.seconds)
          continue
        }
        scores.append(result.scores)
        if index < usualScores.count {
          error = max(error, Self.difference(result.scores, usualScores[index]))
        }
      }
      seconds.append(times.sorted()[times.count / 2])
    }
    return (seconds, error, scores)
  }

  /// CKA of all layers, and the seconds of the step: Gram matrices by the device's own clock.
  private func run(_ device: OpenCLDevice, _ minibatch: Minibatch, _ step: OpenCLTuner.Step)
    throws(DeviceError) -> (scores: Matrix<Double>, seconds: Double)
  {
    let start = ContinuousClock.now
    let stack = try device.gramStack(of: minibatch, kernel: .linear, centering: .unbiased)
    let made = ContinuousClock.now
    var scores = try device.innerProducts(stack, stack)
    let end = ContinuousClock.now
    let roots = (0..<scores.rows).map { scores[$0, $0].squareRoot() }
    for i in roots.indices {
      for j in roots.indices { scores[i, j] /= roots[i] * roots[j] }
    }
    switch step {
    case .pairs: return (scores, (end - made) / .seconds(1))
    case .gram:
      // Some drivers do not keep time.
      let own = stack.timings.gram
      return (scores, own > 0 ? own : (made - start) / .seconds(1))
    }
  }

  private static func difference(_ a: Matrix<Double>, _ b: Matrix<Double>) -> Double {
    // Not `max`, which passes over NaN.
    zip(a.elements, b.elements).reduce(0) { worst, pair in
      let difference = abs(pair.0 - pair.1)
      return difference <= worst ? worst : difference
    }
  }

  private static func minibatch(_ workload: OpenCLTuner.Workload) -> Minibatch {
    minibatch(
      (0..<workload.layers).map {
        layer(examples: workload.examples, features: workload.features, seed: UInt64($0 + 1)).layer
      })
  }

  private static func minibatch(_ layers: [LayerActivations]) -> Minibatch {
    Minibatch(layers: layers, examples: Array(0..<(layers.first?.shape.exampleCount ?? 0)))
  }

  /// Numbers between −1 and 1 of a SplitMix64 generator, each layer's with a part that all share.
  private static func layer(examples: Int, features: Int, seed: UInt64)
    -> (layer: LayerActivations, values: [Float])
  {
    var state = seed
    func next(_ state: inout UInt64) -> Float {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Float(z >> 40) * 0x1p-23 - 1
    }
    var values = [Float](repeating: 0, count: examples * features)
    for i in 0..<examples {
      var shared = UInt64(i)
      let common = next(&shared)
      for k in 0..<features { values[i * features + k] = next(&state) + 0.5 * common }
    }
    return (
      LayerActivations(
        name: "tuning", values: values, scalarType: .float32, exampleCount: examples,
        featureAxes: [features]), values
    )
  }
}

/// Unbiased linear CKA in float64, from the definition by row means: slow and simple.
private enum Float64Scores {
  static func cka(_ layers: [[Float]], exampleCount n: Int) -> Matrix<Double> {
    let grams = layers.map { centered($0, n) }
    var result = Matrix(rows: grams.count, columns: grams.count, repeating: 0.0)
    for i in grams.indices {
      for j in grams.indices { result[i, j] = dot(grams[i], grams[j]) }
    }
    let roots = grams.indices.map { result[$0, $0].squareRoot() }
    for i in grams.indices {
      for j in grams.indices { result[i, j] /= roots[i] * roots[j] }
    }
    return result
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// The U-centered Gram matrix (Székely & Rizzo 2014), n × n.
  private static func centered(_ values: [Float], _ n: Int) -> [Double] {
    let p = values.count / n
    let rows = (0..<n).map { i in values[(i * p)..<((i + 1) * p)].map(Double.init) }
    var k = (0..<n).map { i in (0..<n).map { j in i == j ? 0 : dot(rows[i], rows[j]) } }
    let sums = k.map { $0.reduce(0, +) }
    let total = sums.reduce(0, +)
    let m = Double(n)
    for i in 0..<n {
      for j in 0..<n where i != j {
        k[i][j] += total / ((m - 1) * (m - 2)) - (sums[i] + sums[j]) / (m - 2)
      }
    }
    return k.flatMap { $0 }
  }
}
