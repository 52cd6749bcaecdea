import Activations
import Testing

@Suite struct WorkMeterTests {
  @Test func aMeterCountsTheInnermostStage() {
    let meter = WorkMeter()
    meter.add(5)
    meter.begin(10)
    meter.add(4)
    meter.begin(2, as: "inner", isEven: false)
    meter.add(1)
    #expect(meter.stages.map(\.share) == [0.4, 0.5] && meter.stages.allSatisfy(\.isOpen))
    meter.end()
    meter.add(7)
    #expect(meter.stages.map(\.share) == [1, 0.5] && meter.stages.map(\.done) == [11, 1])
    meter.end()
    meter.add(1)
    #expect(meter.stages.map(\.done) == [11, 1] && !meter.stages.contains(where: \.isOpen))
    // Units: three, of which the second takes 100.
    meter.begin(3)
    meter.reach(1, next: 100)
    meter.add(50)
    #expect(meter.stages[2].done == 1.5)
    meter.add(500)
    #expect(meter.stages[2].done == 2)
    meter.reach(3)
    #expect(meter.stages[2].share == 1)
  }
}
