import { BrandMark } from '../../shell/TopBar';
import { useTheme } from '../../shell/stores';
import { Alarms, Quality, TrendAnatomy } from './Columns2';
import { Buttons, Chips, Equipment, Inputs, Tabs } from './Columns1';
import { Popover, Tables, Trees } from './Columns3';
import { Bars, Confirm, Pens, Type } from './Columns4';
import { StateRows } from './StateRows';
import '../assets/tree.css';
import './components.css';

// The bricks beside each other, for comparing with the design sheet. It is an
// aid for people who build the console, so its words are not translated.

export function ComponentsPage() {
  const theme = useTheme((s) => s.shown);
  return (
    <main className="cp">
      <header className="cp-top">
        <BrandMark />
        <h1>Components</h1>
        <small>{theme} theme</small>
      </header>
      <div className="cp-cols">
        <div>
          <Buttons />
          <Inputs />
          <Chips />
          <Equipment />
          <Tabs />
        </div>
        <div>
          <Alarms />
          <Quality />
          <TrendAnatomy />
        </div>
        <div>
          <Tables />
          <Trees />
          <Popover />
        </div>
        <div>
          <Bars />
          <Pens />
          <Type />
          <Confirm />
        </div>
      </div>
      <StateRows />
    </main>
  );
}
