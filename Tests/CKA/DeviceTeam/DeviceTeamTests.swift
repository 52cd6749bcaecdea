import Activations
import BLASDevice
import Device
import TestSupport
import Testing

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

  private static let n = 40
  private static let x = Activations64.normal(n: n, p: 12, seed: 1)
  private static let y = x.mixed(into: .normal(n: n, p: 7, seed: 2), weight: 0.7)
  private static let z = Activations64.normal(n: n, p: 90, seed: 3, offset: 4)

  private static func comparison() throws -> Comparison {
    try Comparison(
      ActivationModel([x, z]), ActivationModel([y]), estimator: .minibatch(.init(size: 8)))
  }

  @Test func aDeviceThatFailedIsOutForGood() throws {
    let heard = Heard()
    let lost = ScriptedDevice("lost", succeeds: 1)
    let team = DeviceTeam([lost, ScriptedDevice("next")], observe: heard.note)
    func use() throws -> String {
      try team.withDevice { (device) throws(DeviceError) in
        let minibatch = Minibatch(layers: [Self.x.layer()], examples: Array(0..<8))
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

  /// The sharer that is told of it first ends the run for both.
  @Test func cancelledSharingEnds() throws {
    let devices = (0..<2).map { ScriptedDevice("gpu\($0)") }
    let cancelled = Switch(after: 3)
    let team = DeviceTeam(devices, sharing: 2, isCancelled: { cancelled.isOn })
    #expect { try Self.comparison().run(on: team) } throws: {
      ($0 as? DeviceError)?.kind == .cancelled
    }
  }
}
