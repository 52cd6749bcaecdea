import Activations
import BLASDevice
import Device
import Synchronization
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// The rules of a team. Jobs that devices share: `SharingTests`.
@Suite struct DeviceTeamTests {
  /// Hears of changes, in a word each.
  private final class Heard {
    var words: [String] = []

    func note(_ event: DeviceTeam.Event) {
      switch event {
      case .finished: break
      case .leftToOthers(let from, let others, _): words.append("\(from.id) left \(others)")
      case .fellBack(let from, let to, _): words.append("\(from.id) to \(to.id)")
      case .tookOver(let device, let from, _): words.append("\(device.id) for \(from.id)")
      }
    }
  }

  private static func comparison(
    _ estimator: Estimator = .minibatch(.init(size: 8))
  ) throws -> Comparison {
    try Comparison(
      TrustSamples.model([TrustSamples.x, TrustSamples.z]), TrustSamples.model([TrustSamples.y]),
      estimator: estimator)
  }

  @Test func aDeviceThatFailedIsOutForGood() throws {
    let heard = Heard()
    let lost = ScriptedDevice("lost", succeeds: 1)
    let team = DeviceTeam([lost, ScriptedDevice("next")], observe: heard.note)
    func use() throws -> String {
      try team.withDevice { (device) throws(DeviceError) in
        let minibatch = Minibatch(layers: [TrustSamples.x.layer()], examples: Array(0..<8))
        func make(on device: some Device) throws(DeviceError) {
          _ = try device.gramStack(of: minibatch, kernel: .linear, centering: .unbiased)
        }
        try make(on: device)
        return device.info.id
      }
    }
    #expect(try (0..<4).map { _ in try use() } == ["lost", "next", "next", "next"])
    #expect(heard.words == ["next for lost"] && lost.calls.count == 2)
    // And for jobs, too.
    #expect(try Self.comparison().run(on: team).work.map(\.device.id) == ["next"])
    #expect(team.devices.map(\.info.id) == ["next"])
  }

  @Test func theLastDeviceStays() throws {
    let team = DeviceTeam([ScriptedDevice("only", succeeds: 0)])
    for _ in 0..<2 {
      #expect { try Self.comparison().run(on: team) } throws: {
        ($0 as? DeviceError)?.context == "only is lost"
      }
    }
    #expect(team.devices.map(\.info.id) == ["only"])
    #expect { try Self.comparison().run(on: []) } throws: {
      ($0 as? DeviceError)?.kind == .notFound
    }
  }

  /// Two of three shared; the one that is left of them works alone, and then the third.
  @Test func whoSharesChangesWithFailures() throws {
    let heard = Heard()
    let meeting = Meeting(2)
    let team = DeviceTeam(
      [
        // Five minibatches of two matrices each are all that the second makes.
        ScriptedDevice("a", succeeds: 0, meeting: meeting),
        ScriptedDevice("b", succeeds: 10, meeting: meeting), ScriptedDevice("c"),
      ], sharing: 2, observe: heard.note)
    let alone = try Self.comparison().run(on: [BLASDevice()])
    #expect(team.sharing == 2)
    let first = try Self.comparison().run(on: team)
    #expect(first.similarity.cka == alone.similarity.cka)
    #expect(heard.words == ["a left 1"] && team.sharing == 1)
    let second = try Self.comparison().run(on: team)
    #expect(second.similarity.cka == alone.similarity.cka)
    #expect(heard.words == ["a left 1", "b to c"] && team.sharing == 1)
    #expect(team.devices.map(\.info.id) == ["c"])
  }

  /// Says true from the so-manieth time on that it is asked.
  private final class Switch: Sendable {
    private let rest: Mutex<Int>
    init(after count: Int) { rest = Mutex(count) }
    var isOn: Bool {
      rest.withLock {
        $0 -= 1
        return $0 < 0
      }
    }
  }

  /// Every kind of work ends at its next part, on no other device, and tells so.
  @Test(arguments: 0..<6) func cancelledWorkEnds(kind: Int) throws {
    let x = Activations64.normal(n: 40, p: 50, seed: 1)
    let labels = ClassLabels((0..<40).map { $0 % 2 })
    let probe = try Probe(
      TrustSamples.model([x, x]), examples: Array(0..<40), labels: labels,
      split: ProbeSplit(labels))
    let analysis = try ComponentAnalysis(TrustSamples.model([x, TrustSamples.y]), components: 2)
    let trust = try TrustSamples.trust([x], [TrustSamples.y])
    let convergence = try Convergence(
      TrustSamples.model([x]), TrustSamples.model([TrustSamples.y]), batchSizes: [8],
      passes: [2], repeats: 2)
    func work(on team: DeviceTeam) throws {
      switch kind {
      case 0: _ = try Self.comparison().run(on: team)
      case 1: _ = try Self.comparison(.biased).run(on: team)
      case 2: _ = try trust.run(on: team)
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
    let heard = Heard()
    for count in 0..<times {
      let cancelled = Switch(after: count)
      let team = DeviceTeam(devices, observe: heard.note, isCancelled: { cancelled.isOn })
      #expect { try work(on: team) } throws: { ($0 as? DeviceError)?.kind == .cancelled }
      #expect(team.devices.count == 2)
    }
    #expect(heard.words.isEmpty)
  }

  /// The sharer that is told of it first ends the run for both.
  @Test func cancelledSharingEnds() throws {
    let devices = (0..<2).map { ScriptedDevice("gpu\($0)") }
    let cancelled = Switch(after: 3)
    let team = DeviceTeam(devices, sharing: 2, isCancelled: { cancelled.isOn })
    #expect { try Self.comparison().run(on: team) } throws: {
      ($0 as? DeviceError)?.kind == .cancelled
    }
  }

  /// What does not fit is refused before the devices are asked for anything; what fits has the same bits.
  @Test func theMemoryIsALimit() throws {
    let x = Activations64.normal(n: 40, p: 50, seed: 1)
    let labels = ClassLabels((0..<40).map { $0 % 2 })
    let probe = try Probe(
      TrustSamples.model([x, TrustSamples.x]), examples: Array(0..<40), labels: labels,
      split: ProbeSplit(labels))
    let trust = try TrustSamples.trust([x], [TrustSamples.y])
    let device = ScriptedDevice("only")
    func expectRefusal(_ least: Int, _ work: (DeviceTeam) throws -> Void) {
      #expect { try work(DeviceTeam([device], memory: least - 1)) } throws: {
        ($0 as? DeviceError)?.kind == .outOfMemory
          && ($0 as? DeviceError)?.context.contains("at least \(least) are needed") ?? false
      }
      #expect(device.calls.count == 0)
    }
    let ofProbe = probe.leastMemory(on: device.info)
    let ofTrust = trust.leastMemory(on: device.info, pair: false)
    expectRefusal(ofProbe) { _ = try probe.run(on: $0) }
    expectRefusal(ofTrust) { _ = try trust.run(on: $0) }
    #expect(
      try probe.run(on: DeviceTeam([device], memory: ofProbe)).layers
        == probe.run(on: [device]).layers)
    let (least, free) = (
      try trust.run(on: DeviceTeam([device], memory: ofTrust)), try trust.run(on: [device])
    )
    #expect(least.similarity.cka == free.similarity.cka && least.control == free.control)
    #expect(least.standardErrors == free.standardErrors && least.biases == free.biases)
  }
}
