import Activations
import Analyses
import CKA
import Device
import Synchronization
import TestSupport
import Testing

/// What a team's cancellation and limit of memory are to the analyses that run on it.
@Suite struct DeviceTeamTests {
  /// Every kind of work ends at its next part, on no other device, and tells so.
  @Test(arguments: 0..<6) func cancelledWorkEnds(kind: Int) throws {
    let x = Activations64.normal(n: 40, p: 50, seed: 1)
    let labels = ClassLabels((0..<40).map { $0 % 2 })
    let probe = try Probe(
      ActivationModel([x, x]), examples: Array(0..<40), labels: labels,
      split: ProbeSplit(labels))
    let analysis = try ComponentAnalysis(ActivationModel([x, UncertaintySamples.y]), components: 2)
    let uncertainty = try UncertaintySamples.uncertainty([x], [UncertaintySamples.y])
    let convergence = try Convergence(
      ActivationModel([x]), ActivationModel([UncertaintySamples.y]), batchSizes: [8],
      passes: [2], repeats: 2)
    func comparison(_ estimator: Estimator) throws -> Comparison {
      try Comparison(
        ActivationModel([UncertaintySamples.x, UncertaintySamples.z]),
        ActivationModel([UncertaintySamples.y]), estimator: estimator)
    }
    func work(on team: DeviceTeam) throws {
      switch kind {
      case 0: _ = try comparison(.minibatch(.init(size: 8))).run(on: team)
      case 1: _ = try comparison(.biased).run(on: team)
      case 2: _ = try uncertainty.run(on: team)
      case 3: _ = try analysis.run(on: team)
      case 4: _ = try probe.run(on: team)
      default: _ = try convergence.run(on: team)
      }
    }
    let devices: [any Device] = [ScriptedDevice("first"), ScriptedDevice("other")]
    let asked = Mutex(0)
    try work(
      on: DeviceTeam(
        devices,
        isCancelled: {
          asked.withLock { $0 += 1 }
          return false
        }))
    let times = asked.withLock { $0 }
    // A single matrix of all examples is one part.
    #expect(times >= (kind == 1 ? 1 : 2))
    for count in 0..<times {
      let cancelled = Switch(after: count)
      let team = DeviceTeam(
        devices,
        observe: {
          if case .finished = $0 {} else { Issue.record("another device is asked: \($0)") }
        },
        isCancelled: { cancelled.isOn })
      #expect { try work(on: team) } throws: { ($0 as? DeviceError)?.kind == .cancelled }
      #expect(team.devices.count == 2)
    }
  }

  /// What does not fit is refused before the devices are asked for anything; what fits has the same bits.
  @Test func theMemoryIsALimit() throws {
    let x = Activations64.normal(n: 40, p: 50, seed: 1)
    let labels = ClassLabels((0..<40).map { $0 % 2 })
    let probe = try Probe(
      ActivationModel([x, UncertaintySamples.x]), examples: Array(0..<40), labels: labels,
      split: ProbeSplit(labels))
    let uncertainty = try UncertaintySamples.uncertainty([x], [UncertaintySamples.y])
    let device = ScriptedDevice("only")
    func expectRefusal(_ least: Int, _ work: (DeviceTeam) throws -> Void) {
      #expect { try work(DeviceTeam([device], memory: least - 1)) } throws: {
        ($0 as? DeviceError)?.kind == .outOfMemory
          && ($0 as? DeviceError)?.context.contains("at least \(least) are needed") ?? false
      }
      #expect(device.calls.count == 0)
    }
    let ofProbe = probe.leastMemory(on: device.info)
    let ofUncertainty = uncertainty.leastMemory(on: device.info, pair: false)
    expectRefusal(ofProbe) { _ = try probe.run(on: $0) }
    expectRefusal(ofUncertainty) { _ = try uncertainty.run(on: $0) }
    #expect(
      try probe.run(on: DeviceTeam([device], memory: ofProbe)).layers
        == probe.run(on: [device]).layers)
    let (least, free) = (
      try uncertainty.run(on: DeviceTeam([device], memory: ofUncertainty)),
      try uncertainty.run(on: [device])
    )
    #expect(least.similarity.cka == free.similarity.cka && least.control == free.control)
    #expect(least.standardErrors == free.standardErrors && least.biases == free.biases)
  }
}
