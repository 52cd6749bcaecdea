import Activations
import Analyses
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

@Suite struct ConvergenceTests {
  private static let n = 90
  private static let x = Activations64.normal(n: n, p: 31, seed: 71)
  private static let y = x.mixed(into: .normal(n: n, p: 20, seed: 72), weight: 0.6)
  private static let z = x.mixed(into: .normal(n: n, p: 3, seed: 73), weight: 0.1)

  /// The estimates of every repeat of one batch size and number of passes, by brute force.
  private func estimates(
    _ a: Activations64, _ b: Activations64, batchSize: Int, passes: Int, repeats: Int,
    seed: UInt64
  ) throws -> [Double] {
    try (0..<repeats).map { number in
      let plan = try MinibatchPlan(
        .minibatch(
          .init(size: batchSize, passes: passes, order: .shuffled(seed: seed + UInt64(number)))),
        exampleCount: a.n)
      return Oracle.cka(a, b, unbiased: true, batches: plan.batches)
    }
  }

  @Test func errorsAreThoseOfBruteForce() throws {
    let layers = [Self.x, Self.y, Self.z]
    let convergence = try Convergence(
      ActivationModel(layers), batchSizes: [30, 8, 90, 1000], passes: [3, 1], repeats: 4, seed: 5)
    #expect(convergence.batchSizes == [8, 30])
    let outcome = try convergence.run(on: [BLASDevice()])
    #expect(outcome.points.map(\.batchSize) == [8, 8, 30, 30])
    #expect(outcome.points.map(\.passes) == [1, 3, 1, 3])
    #expect(outcome.points.map(\.minibatches) == [11, 33, 3, 9])
    let pairs = [(1, 0), (2, 0), (2, 1)]
    for point in outcome.points {
      let errors = try pairs.map { i, j in
        let exact = Oracle.cka(layers[i], layers[j], unbiased: true)
        return try estimates(
          layers[i], layers[j], batchSize: point.batchSize, passes: point.passes, repeats: 4,
          seed: 5
        ).map { $0 - exact }
      }
      // Each of two values is within 1e-6 of brute force, as other tests of these data show.
      let tolerance = 2e-6
      #expect(point.pairs == 3 && point.undefinedPairs == 0)
      for number in 0..<4 {
        let ofRepeat = errors.map { $0[number] }
        let absolute = ofRepeat.reduce(0) { $0 + abs($1) } / 3
        #expect(abs(point.meanErrors[number] - absolute) < tolerance)
        #expect(abs(point.meanDeviations[number] - ofRepeat.reduce(0, +) / 3) < tolerance)
      }
      let sorted = errors.joined().map { abs($0) }.sorted()
      #expect(abs(point.largest - sorted[11]) < tolerance)
      // 95 % of 12 are 11.4: all twelve.
      #expect(abs(point.percentile95 - sorted[11]) < tolerance)
      for (index, (i, j)) in pairs.enumerated() {
        let root = (errors[index].reduce(0) { $0 + $1 * $1 } / 4).squareRoot()
        #expect(abs(point.rootMeanSquares[i, j] - root) < tolerance)
        #expect(point.rootMeanSquares[i, j] == point.rootMeanSquares[j, i])
        #expect(point.rootMeanSquares[i, i] == 0)
      }
    }
  }

  @Test func theLongestRunIsThatOfCompare() throws {
    let models = (ActivationModel([Self.x, Self.z]), ActivationModel([Self.y]))
    let convergence = try Convergence(
      models.0, models.1, batchSizes: [16], passes: [1, 2, 5], repeats: 1, seed: 9)
    let outcome = try convergence.run(on: [BLASDevice()])
    for point in outcome.points {
      let compared = try Comparison(
        models.0, models.1,
        estimator: .minibatch(
          .init(size: 16, passes: point.passes, order: .shuffled(seed: 9)))
      ).run(on: [BLASDevice()]).similarity.cka
      let errors = zip(compared.elements, outcome.exact.cka.elements).map { abs($0 - $1) }
      // The same sums in the same order: the same bits.
      #expect(point.rootMeanSquares.elements == errors)
      #expect(point.pairs == 2)
    }
  }

  /// With n independent examples of two unrelated layers a pass of batch size b sees some b/n of the
  /// pairs of examples, each pass others: the variance of the error is (n/b − 1)/passes times that of
  /// the exact value, and the error falls as 1/√passes, and as 1/√b while b is small beside n.
  @Test func theErrorFallsAsTheRootOfTheWork() throws {
    let n = 480
    let layers = (0..<8).map { Activations64.normal(n: n, p: 24, seed: 400 + UInt64($0)) }
    let convergence = try Convergence(
      ActivationModel(Array(layers[..<4])), ActivationModel(Array(layers[4...])),
      batchSizes: [8, 16, 32],
      passes: [1, 4, 16], repeats: 8)
    let outcome = try convergence.run(on: [BLASDevice()])
    func error(_ batchSize: Int, _ passes: Int) throws -> Double {
      try #require(outcome.points.first { $0.batchSize == batchSize && $0.passes == passes })
        .meanError
    }
    for batchSize in [8, 16, 32] {
      for passes in [1, 4] {
        // 16 pairs in 8 repeats: a mean of 128 half-normal numbers is good to 0.76/√128 = 7 %, and
        // a ratio of two to 10 %; three such deviations are allowed.
        let ratio = try error(batchSize, passes) / error(batchSize, 4 * passes)
        #expect(abs(ratio / 2 - 1) < 0.3, "\(batchSize), \(passes): \(ratio)")
      }
    }
    for passes in [1, 4, 16] {
      let expected = ((480.0 / 8 - 1) / (480.0 / 32 - 1)).squareRoot()
      let ratio = try error(8, passes) / error(32, passes)
      #expect(abs(ratio / expected - 1) < 0.3, "\(passes): \(ratio), expected \(expected)")
    }
    for point in outcome.points {
      // Unbiased: the mean over repeats is within four of its standard errors (of 8 repeats) of 0.
      #expect(abs(point.bias) < 4 * point.biasError, "\(point.batchSize) \(point.passes)")
    }
  }

  @Test func layersWithoutAValueDoNotCount() throws {
    var broken = Self.y
    broken.values[17] = .nan
    let constant = Activations64(n: Self.n, p: 2, values: [Double](repeating: 3, count: 2 * Self.n))
    // Constant but for two examples: minibatches with both of them are rare, and without them there is
    // no value.
    var nearly = constant
    nearly.values[0] = 4
    nearly.values[2] = 4
    let outcome = try Convergence(
      ActivationModel([Self.x, broken, constant]), ActivationModel([Self.z, nearly]),
      batchSizes: [16], passes: [1],
      repeats: 3
    ).run(on: [BLASDevice()])
    let point = try #require(outcome.points.first)
    #expect(
      outcome.exact.statuses.elements == [.ok, .ok, .nonFinite, .nonFinite, .constant, .constant])
    #expect(point.pairs == 1 && point.undefinedPairs == 1)
    #expect(point.rootMeanSquares.elements.count { !$0.isNaN } == point.pairs)
    #expect(!point.meanError.isNaN)
  }

  @Test func aFailedDeviceIsNotTriedAgain() throws {
    let failing = ScriptedDevice("failing", succeeds: 3)
    let convergence = try Convergence(
      ActivationModel([Self.x]), ActivationModel([Self.y]), batchSizes: [16, 32], passes: [1, 2],
      repeats: 2)
    var finished: [Int] = []
    var changes: [String] = []
    let team = DeviceTeam([failing, BLASDevice()]) { event in
      switch event {
      case .finished(let minibatches): finished.append(minibatches)
      case .leftToOthers(let from, _, _), .fellBack(let from, _, _): changes.append(from.id)
      case .tookOver: Issue.record("nothing begins anew")
      }
    }
    let outcome = try convergence.run(on: team)
    // Two stacks of the exact value, and one of the first minibatch.
    #expect(changes == ["failing"])
    #expect(failing.calls.count == 4)
    #expect(finished == Array(1...convergence.minibatchCount))
    #expect(outcome.work.map(\.device.id) == ["failing", "cpu"])
    #expect(outcome.work.map(\.minibatches) == [1, convergence.minibatchCount - 1])
    let whole = try convergence.run(on: [BLASDevice()])
    #expect(whole.points.map(\.meanErrors) == outcome.points.map(\.meanErrors))
  }
}
