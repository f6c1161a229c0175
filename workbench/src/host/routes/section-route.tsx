// `/` and the sections of the menu that are no page themselves: a card for everything they lead to.
import { config } from '@grafana/runtime';
import { Card } from '@grafana/ui';
import { useLocation } from 'react-router-dom-v5-compat';
import { navTree, sectionAt } from '../chrome/nav';
import { Page } from '../chrome/page';

const HOME_NOTE = "A workbench: Grafana's packages without a Grafana server";

export function SectionRoute() {
  const tree = navTree();
  const section = sectionAt(useLocation().pathname, tree);
  const home = section?.url === '/';
  const items = (home ? tree.find(({ id }) => id === 'apps') : section)?.children ?? [];
  const [pluginId] = Object.keys(config.apps);
  return (
    <Page section={section} subTitle={home ? HOME_NOTE : section?.subTitle}>
      {items.map((item) => (
        <Card key={item.id} href={item.url}>
          {item.img && (
            <Card.Figure>
              <img src={item.img} alt="" width={40} height={40} />
            </Card.Figure>
          )}
          <Card.Heading>{item.text}</Card.Heading>
          <Card.Description>{item.children?.map(({ text }) => text).join(' · ')}</Card.Description>
        </Card>
      ))}
      {home && items.length === 0 && (
        <Card href={`/plugins/${pluginId}`}>
          <Card.Heading>The app is disabled</Card.Heading>
          <Card.Description>An administrator enables it on its configuration page.</Card.Description>
        </Card>
      )}
    </Page>
  );
}
