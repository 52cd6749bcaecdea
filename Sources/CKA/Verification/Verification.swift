import Activations
import Device
import Support

/// A device held against golden values and against float64 on random data.
public struct Verification: Sendable {
  /// One value that was checked.
  public struct Check: Sendable {
    /// What was compared, for people.
    public let name: String
    /// The estimator and the kernel.
    public let method: String
    /// The true value; nil where it must be undefined.
    public let expected: Double?
    /// The device's value; nil where it is undefined.
    public let found: Double?
    /// The allowed |found − expected|.
    public let tolerance: Double

    /// |found − expected|; infinite where only one of them exists.
    public var error: Double {
      switch (expected, found) {
      case (nil, nil): 0
      case (let expected?, let found?): abs(found - expected)
      default: .infinity
      }
    }
    /// Whether the device passed.
    public var passed: Bool { error <= tolerance }
  }

  /// Everything that was checked, in order.
  public private(set) var checks: [Check] = []

  /// Whether the device passed every check.
  public var passed: Bool { !checks.isEmpty && checks.allSatisfy(\.passed) }

  /// Runs all checks.
  ///
  /// - Parameters:
  ///   - device: what is verified.
  ///   - observe: called after each check.
  public init(of device: any Device, observe: (Check) -> Void = { _ in }) throws(DeviceError) {
    for item in VerificationCase.all() {
      let found = try item.value(on: device)
      let check = Check(
        name: item.name, method: item.method, expected: item.expected(), found: found,
        tolerance: device.info.precision == .fast ? Precision.fast.tolerance : item.tolerance)
      checks.append(check)
      observe(check)
    }
  }
}

/// Two layers, a method, and the value CKA must have.
struct VerificationCase {
  let name: String
  let x: Reference.Layer
  let y: Reference.Layer
  var estimator = Estimator.unbiased
  var kernel = GramKernel.linear
  var tolerance = 1e-5
  /// What the device is given the numbers as, which holds them: float32, float64 or bfloat16.
  var stored = ScalarType.float32
  /// A value known beforehand, which may be "none"; nil to take the float64 reference's.
  var known: Double??

  var method: String {
    switch kernel {
    case .linear: "\(estimator.name) linear"
    case .rbf(.medianMultiple(let t)): "\(estimator.name) rbf t=\(t.formatted)"
    case .rbf(.sampledMedianMultiple(let t, let count)):
      "\(estimator.name) rbf t=\(t.formatted) of \(count)"
    case .rbf(.sigma(let s)): "\(estimator.name) rbf σ=\(s.formatted)"
    }
  }

  func expected() -> Double? {
    if let known { return known }
    return Reference.cka(
      x, y, kernel: kernel, centering: estimator.centering, batches: comparison.plan.batches)
  }

  func value(on device: any Device) throws(DeviceError) -> Double? {
    let similarity = try comparison.run(on: [device]).similarity
    return similarity.statuses[0, 0] == .ok ? similarity.cka[0, 0] : nil
  }

  private var comparison: Comparison {
    func model(_ layer: Reference.Layer, _ name: String) -> ActivationModel {
      func made<Number: BitwiseCopyable & Sendable>(
        _ convert: (Double) -> Number
      ) -> ActivationModel {
        let layer = LayerActivations(
          name: name, values: layer.values.map(convert), scalarType: stored, exampleCount: layer.n,
          featureAxes: [layer.p])
        return ActivationModel(name: name, layers: [layer])
      }
      return switch stored {
      case .float64: made { $0 }
      case .bfloat16: made { UInt16(Float($0).bitPattern >> 16) }
      default: made { Float($0) }
      }
    }
    do throws(ComparisonError) {
      return try Comparison(model(x, "x"), model(y, "y"), estimator: estimator, kernel: kernel)
    } catch {
      preconditionFailure("a verification case of different examples: \(error)")
    }
  }
}

extension VerificationCase {
  /// All cases: the golden values of `Documentation/Numerics.md`, then random data.
  static func all() -> [VerificationCase] { golden() + structured() + random() }

  private static func golden() -> [VerificationCase] {
    var generator = NumPyRandom(seed: 1337)
    let x = generator.normals(1000)
    let y = zip(generator.normals(1000), x).map { $0 + $1 }
    let left = Reference.Layer(n: 100, p: 10, values: x)
    let right = Reference.Layer(n: 100, p: 10, values: y)
    let values: [(Estimator, GramKernel, Double)] = [
      (.biased, .linear, 0.5576132566117588),
      (.unbiased, .linear, 0.513456489505526),
      (.biased, .rbf(.medianMultiple(0.5)), 0.6548311822614982),
      (.unbiased, .rbf(.medianMultiple(0.5)), 0.4192767510220516),
    ]
    return values.map { estimator, kernel, value in
      VerificationCase(
        name: "golden 100 × 10", x: left, y: right, estimator: estimator, kernel: kernel,
        tolerance: 1e-6, stored: .float64, known: .some(value))
    }
  }

  private static func structured() -> [VerificationCase] {
    let random = noise(n: 100, p: 7, seed: 5)
    let fine = oneHot(n: 100, classes: 4) { $0 % 4 }
    let coarse = oneHot(n: 100, classes: 2) { $0 % 4 / 2 }
    let identity = oneHot(n: 64, classes: 64) { $0 }
    let other = noise(n: 64, p: 9, seed: 6)
    let constant = Reference.Layer(n: 100, p: 3, values: [Double](repeating: 0.1, count: 300))
    return [
      VerificationCase(name: "a layer and itself", x: random, y: random, known: .some(1)),
      VerificationCase(
        name: "a layer and itself", x: random, y: random, estimator: .biased,
        kernel: .rbf(.medianMultiple(1)), known: .some(1)),
      VerificationCase(
        name: "4 classes, merged into 2", x: fine, y: coarse, estimator: .biased,
        tolerance: 1e-6, known: .some(1 / 3.0.squareRoot())),
      VerificationCase(
        name: "4 classes, merged into 2", x: fine, y: coarse, tolerance: 1e-6,
        known: .some(0.5714285714285714)),
      VerificationCase(
        name: "one feature each", x: noise(n: 50, p: 1, seed: 7), y: noise(n: 50, p: 1, seed: 8),
        estimator: .biased, tolerance: 1e-6),
      VerificationCase(name: "the identity", x: identity, y: other, estimator: .biased),
      VerificationCase(name: "the identity: 0/0", x: identity, y: other, known: .some(nil)),
      VerificationCase(name: "a constant layer", x: constant, y: random, known: .some(nil)),
    ]
  }

  private static func random() -> [VerificationCase] {
    let shapes: [(n: Int, p: Int, q: Int)] = [
      (4, 3, 5), (5, 2, 17), (31, 7, 61), (127, 31, 257), (257, 13, 101), (64, 5000, 300),
      (509, 2, 3),
    ]
    let methods: [(Estimator, GramKernel)] = [
      (.unbiased, .linear), (.biased, .linear), (.unbiased, .rbf(.medianMultiple(0.7))),
      (.biased, .rbf(.medianMultiple(2))),
    ]
    var cases: [VerificationCase] = []
    for (seed, shape) in shapes.enumerated() {
      for (estimator, kernel) in methods {
        cases.append(
          pair(
            "random", shape.n, shape.p, shape.q, seed: UInt64(100 + seed), estimator: estimator,
            kernel: kernel))
      }
    }
    for scale in [1e-18, 1e-6, 1e6, 1e18] {
      for (estimator, kernel) in methods {
        cases.append(
          pair(
            "scale \(scale.formatted)", 61, 40, 53, seed: 200, scale: scale, estimator: estimator,
            kernel: kernel))
      }
    }
    for (estimator, kernel) in methods {
      var item = pair(
        "offset of 1,000 σ", 97, 64, 33, seed: 300, offset: 1000, estimator: estimator,
        kernel: kernel)
      item.tolerance = 1e-4
      cases.append(item)
    }
    // Multiplied as they are stored, where a device can and the means are small.
    for (name, offset) in [("bfloat16", 0.7), ("bfloat16, mean 30 σ", 30)] {
      for (estimator, kernel) in methods {
        var item = pair(
          name, 113, 95, 300, seed: 350, offset: offset, keptBits: 8, estimator: estimator,
          kernel: kernel)
        item.stored = .bfloat16
        cases.append(item)
      }
    }
    let ragged = Estimator.minibatch(.init(size: 32, passes: 3, ragged: .keep))
    cases.append(pair("minibatches", 167, 20, 300, seed: 400, estimator: ragged, kernel: .linear))
    cases.append(
      pair(
        "minibatches", 167, 20, 300, seed: 400, estimator: ragged,
        kernel: .rbf(.medianMultiple(1))))
    return cases
  }

  /// Two layers that share some of what they hold.
  ///
  /// - Parameter keptBits: of each number: 24 are float32's, 8 bfloat16's.
  private static func pair(
    _ name: String, _ n: Int, _ p: Int, _ q: Int, seed: UInt64, scale: Double = 1,
    offset: Double = 0, keptBits: UInt32 = 24, estimator: Estimator, kernel: GramKernel
  ) -> VerificationCase {
    let x = noise(n: n, p: p, seed: seed).values
    let y = noise(n: n, p: q, seed: seed + 1000).values
    let mixed = (0..<(n * q)).map { y[$0] + 0.7 * x[$0 / q * p + $0 % q % p] }
    func layer(_ values: [Double], _ p: Int) -> Reference.Layer {
      let kept = UInt32.max << (24 - keptBits)
      return Reference.Layer(
        n: n, p: p,
        values: values.map {
          Double(Float(bitPattern: Float(($0 + offset) * scale).bitPattern & kept))
        })
    }
    return VerificationCase(
      name: "\(name) \(n) × \(p), \(q)", x: layer(x, p), y: layer(mixed, q), estimator: estimator,
      kernel: kernel)
  }

  private static func noise(n: Int, p: Int, seed: UInt64) -> Reference.Layer {
    var generator = NumPyRandom(seed: UInt32(seed))
    return Reference.Layer(
      n: n, p: p, values: generator.normals(n * p).map { Double(Float($0)) })
  }

  private static func oneHot(
    n: Int, classes: Int, _ label: (Int) -> Int
  ) -> Reference.Layer {
    var values = [Double](repeating: 0, count: n * classes)
    for i in 0..<n { values[i * classes + label(i)] = 1 }
    return Reference.Layer(n: n, p: classes, values: values)
  }
}

extension Double {
  /// For example `0.7`, `1e-18`.
  fileprivate var formatted: String { NumberFormat.significant(digits: 6).text(self) }
}
